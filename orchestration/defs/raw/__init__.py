"""raw.events as Dagster sees it: written by the ingest service, observed here."""

from orchestration.defs.raw.assets import BUILD_NOTES, IDENTITIES, TRACKING_PLAN, raw_events

__all__ = ["BUILD_NOTES", "IDENTITIES", "TRACKING_PLAN", "raw_events"]
