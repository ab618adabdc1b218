"""raw.events as Dagster sees it: written by the ingest service, observed here."""

from orchestration.defs.raw.assets import raw_events

__all__ = ["raw_events"]
