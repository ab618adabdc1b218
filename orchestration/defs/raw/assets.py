"""raw_events: not built by Dagster, so observed. Each build notes what it saw of its days."""

from datetime import date, timedelta
from typing import LiteralString

import dagster as dg
import psycopg

from eventmill.core.database import connect
from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from orchestration.keys import RAW_EVENTS
from orchestration.partitions import built_days, daily

ROWS = "dagster/partition_row_count"
# Observing without choosing days looks at the last week: counting two years takes minutes.
DEFAULT_DAYS = 7

EVENTS_BY_DAY: LiteralString = """
select
    (occurred_at at time zone 'UTC')::date as day,
    count(*) as events
from raw.events
where occurred_at >= %(start)s and occurred_at < %(end)s
group by 1
"""


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
            context.log_event(
                dg.AssetObservation(RAW_EVENTS, partition=day.isoformat(), metadata={ROWS: rows})
            )
    return dg.ObserveResult(asset_key=RAW_EVENTS)


def _last_days() -> DayWindow:
    yesterday = utc_today() - ONE_DAY
    return DayWindow(yesterday - timedelta(days=DEFAULT_DAYS - 1), yesterday)


def events_by_day(connection: psycopg.Connection, window: DayWindow) -> dict[date, int]:
    """Events of each day of `window`; 0 for a day without any."""
    rows = connection.execute(EVENTS_BY_DAY, {"start": window.start, "end": window.end})
    counted: dict[date, int] = dict(rows.fetchall())
    return {day: counted.get(day, 0) for day in window}
