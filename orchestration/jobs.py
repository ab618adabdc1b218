"""The job that builds days: what the schedule and `eventmill backfill` launch."""

import dagster as dg

from orchestration.partitions import daily

# raw_events is left out because each build notes by itself what it saw of raw.events.
build_days = dg.define_asset_job(
    "build_days",
    selection=dg.AssetSelection.all().materializable(),
    partitions_def=daily,
    description="Enrichment and every dbt model of a UTC day, or of a range of days in one run.",
)

# At 02:00 the latest batches of the day before have arrived, and it has its partition.
nightly = dg.build_schedule_from_partitioned_job(
    build_days,
    name="nightly",
    description="Builds the day before, every night at 02:00 UTC.",
    hour_of_day=2,
    minute_of_hour=0,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
