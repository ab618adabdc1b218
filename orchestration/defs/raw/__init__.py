"""raw.events as Dagster sees it: written by the ingest service, observed here."""

from orchestration.defs.raw.assets import IDENTITIES, TRACKING_PLAN, raw_events

__all__ = ["IDENTITIES", "TRACKING_PLAN", "raw_events"]
