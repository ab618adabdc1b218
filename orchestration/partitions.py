"""The one partitions definition: UTC days, from the first day of the settings to yesterday."""

from collections.abc import Mapping

import dagster as dg

from eventmill.core.days import DayWindow, parse_day
from eventmill.core.settings import export, get_settings

daily = dg.DailyPartitionsDefinition(
    start_date=get_settings().first_day.isoformat(), timezone="UTC", fmt="%Y-%m-%d"
)
# A range is one run: dbt starts once and Dagster records every day of it.
one_run_per_range = dg.BackfillPolicy.single_run()
# An asset's days are recorded together: one by one they took 0.4 s a day, as long as building it.
export({"DAGSTER_EVENT_BATCH_SIZE": "500"})

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def built_days(context: dg.AssetExecutionContext) -> DayWindow:
    """The days that a run builds: its partition, or the range it was launched over."""
    keys = context.partition_key_range
    return DayWindow(parse_day(keys.start), parse_day(keys.end))


def range_tags(window: DayWindow) -> dict[str, str]:
    """The tags that make a run build `window`; Dagster's UI sets the same."""
    return {RANGE_START: window.first.isoformat(), RANGE_END: window.last.isoformat()}


def days_of_run(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """First and last day that a run with `tags` builds, or None if it builds no days."""
    if PARTITION in tags:
        return tags[PARTITION], tags[PARTITION]
    if RANGE_START in tags:
        return tags[RANGE_START], tags[RANGE_END]
    return None
