"""raw_events: not built by Dagster, so observed. Each build notes what it saw of its days."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import dagster as dg

from eventmill.database import connect
from eventmill.days import ONE_DAY, DayWindow, utc_today
from orchestration.defs.raw.queries import events_by_day
from orchestration.partitions import built_days, daily

RAW_EVENTS = dg.AssetKey("raw_events")
ROWS = "dagster/partition_row_count"
# Observing without choosing days looks at the last week: counting two years takes minutes.
DEFAULT_DAYS = 7


# What ingest keeps beside events. It has no days, so it is only named, for the lineage.
IDENTITIES = dg.AssetSpec(
    "identities",
    description="raw.identities: one row per anonymous id that was seen with a user.",
    group_name="raw",
    owners=["team:platform"],
    kinds={"postgres", "table"},
)
TRACKING_PLAN = dg.AssetSpec(
    "tracking_plan",
    description="raw.tracking_plan: one row per event type, as the plan's file has it.",
    group_name="raw",
    owners=["team:platform"],
    kinds={"postgres", "table"},
)
# What builds note of themselves, and what dbt's macros write beside the models.
BUILD_NOTES = [
    dg.AssetSpec(
        name,
        description=description,
        group_name="enrichment",
        owners=["team:data"],
        kinds={"postgres", "table"},
    )
    for name, description in {
        "builds": "enrichment.builds: one row per dbt invocation that builds days.",
        "replaced_days": "enrichment.replaced_days: days whose build has not succeeded yet.",
        "replaced_metrics": "enrichment.replaced_metrics: old rows of daily_metrics.",
    }.items()
]


@dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
    name="observe_raw_events",
    specs=[
        dg.AssetSpec(
            RAW_EVENTS,
            description=(
                "raw.events: one row per event, as sent, in one table partition per UTC day."
                " The ingest service and log imports write it, nothing updates it."
            ),
            group_name="raw",
            owners=["team:platform"],
            kinds={"postgres", "table"},
        )
    ],
    partitions_def=daily,
)
def raw_events(context: dg.AssetExecutionContext) -> dg.ObserveResult:
    """Count the events of the chosen days."""
    chosen = context.has_partition_key or context.has_partition_key_range
    window = built_days(context) if chosen else _last_days()
    with connect(autocommit=True, application="eventmill observe") as connection:
        events = events_by_day(connection, window)
    for day, rows in events.items():
        if chosen:
            context.add_asset_metadata({ROWS: rows}, RAW_EVENTS, day.isoformat())
        else:
            context.log_event(_observation(day, rows))
    return dg.ObserveResult(asset_key=RAW_EVENTS)


def seen_by_build(
    events: Mapping[date, int],
) -> Iterator[dg.AssetObservation | dg.AssetMaterialization]:
    """What a build saw: of each day an observation with its number of events.

    And a materialization: the UI's bar of partitions shows nothing else.
    """
    for day, rows in events.items():
        yield _observation(day, rows)
        yield dg.AssetMaterialization(RAW_EVENTS, partition=day.isoformat(), metadata={ROWS: rows})


def _observation(day: date, rows: int) -> dg.AssetObservation:
    return dg.AssetObservation(RAW_EVENTS, partition=day.isoformat(), metadata={ROWS: rows})


def _last_days() -> DayWindow:
    yesterday = utc_today() - ONE_DAY
    return DayWindow(yesterday - timedelta(days=DEFAULT_DAYS - 1), yesterday)
