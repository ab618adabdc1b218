"""What tells somebody that a run failed, or died without a word."""
