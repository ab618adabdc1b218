"""Drops raw events after the retention period. The marts stay."""
