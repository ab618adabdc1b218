"""What every metrics call shares: the days of a range, counted from the marts and from events."""
