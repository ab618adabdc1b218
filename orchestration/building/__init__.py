"""Builds of days by dbt: their chunks, what each saw and how it ended (enrichment.builds)."""
