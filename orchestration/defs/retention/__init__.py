"""Raw events end after the retention period; what was made of them stays."""
