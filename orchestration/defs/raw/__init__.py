"""raw.events as Dagster sees it: written by the ingest service, observed here."""

from orchestration.defs.raw.assets import EXTERNAL, raw_events

__all__ = ["EXTERNAL", "raw_events"]
