"""raw_events: not built by Dagster, so observed. Each build notes what it saw of its days."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import dagster as dg

from eventmill.core.database import connect
from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from orchestration.defs.raw.queries import events_by_day
from orchestration.partitions import built_days, daily

RAW_EVENTS = dg.AssetKey("raw_events")
ROWS = "dagster/partition_row_count"
# Observing without choosing days looks at the last week: counting two years takes minutes.
DEFAULT_DAYS = 7


def _table(name: str, group: str, owner: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        description=description,
        group_name=group,
        owners=[f"team:{owner}"],
        kinds={"postgres", "table"},
    )


# Tables without days that models read and nothing here builds: only named, for the lineage.
EXTERNAL = (
    _table(
        "identities", "raw", "platform",
        "raw.identities: one row per anonymous id that was seen with a user.",
    ),
    _table(
        "lifecycle_events", "raw", "platform",
        "raw.lifecycle_events: one row per upload, project and license event, kept for ever.",
    ),
    _table(
        "tracking_plan", "raw", "platform",
        "raw.tracking_plan: one row per event type, as the plan's file has it.",
    ),
    _table(
        "ad_spend", "raw", "analytics",
        "raw.ad_spend: what advertising cost, as `eventmill spend load` wrote it.",
    ),
    _table(
        "platform_currency", "enrichment", "platform",
        "enrichment.platform_currency: the currency that revenue is counted in, one row at most.",
    ),
    # What builds note of themselves, and what dbt's macros write beside the models.
    _table(
        "builds", "enrichment", "data",
        "enrichment.builds: one row per dbt invocation that builds days.",
    ),
    _table(
        "replaced_days", "enrichment", "data",
        "enrichment.replaced_days: days whose build has not succeeded yet.",
    ),
    _table(
        "replaced_metrics", "enrichment", "data",
        "enrichment.replaced_metrics: old rows of daily_metrics.",
    ),
)  # fmt: skip


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
