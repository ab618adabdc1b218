"""Saved reports: queries with a name."""
