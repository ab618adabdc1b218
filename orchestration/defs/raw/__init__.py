"""raw.events as Dagster sees it: written by the ingest service, observed here."""
