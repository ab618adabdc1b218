"""Assets that more than one folder of definitions names."""

import dagster as dg

RAW_EVENTS = dg.AssetKey("raw_events")
# A day is built when it has a row here (docs/decisions/0031).
DAILY_BUILDS = dg.AssetKey("daily_builds")
NIGHTLY_BUILD = dg.AssetKey("nightly_build")
