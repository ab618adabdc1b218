"""raw.events as Dagster sees it: written by the ingest service, observed here."""

from orchestration.defs.raw.assets import AD_SPEND, IDENTITIES, TRACKING_PLAN, raw_events

__all__ = ["AD_SPEND", "IDENTITIES", "TRACKING_PLAN", "raw_events"]
