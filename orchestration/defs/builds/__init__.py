"""Builds of days: their chunks, what each saw and how it ended (enrichment.builds)."""
