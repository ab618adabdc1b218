"""The numbers of some days with a person and without, counted from the events in one go.

In one statement, so that both are of one moment, whatever arrives meanwhile.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import LiteralString

from psycopg import AsyncConnection, sql

from eventmill.privacy.certificate import Totals
from eventmill.privacy.days import in_days
from eventmill.privacy.relations import is_there
from eventmill.privacy.statements import fetch

COUNT: LiteralString = """
select
    count(*),
    coalesce(sum(events.views) filter (where events.is_counted), 0)::bigint,
    coalesce(sum(events.clicks) filter (where events.is_counted), 0)::bigint,
    coalesce(sum(events.conversions) filter (where events.is_counted), 0)::bigint,
    coalesce(sum(events.revenue_cents) filter (where events.is_counted), 0)::bigint,
    count(distinct events.visitor_id) filter (where events.is_counted),

    count(*) filter (where gone.event_id is null),
    coalesce(
        sum(events.views) filter (where events.is_counted and gone.event_id is null), 0
    )::bigint,
    coalesce(
        sum(events.clicks) filter (where events.is_counted and gone.event_id is null), 0
    )::bigint,
    coalesce(
        sum(events.conversions) filter (where events.is_counted and gone.event_id is null), 0
    )::bigint,
    coalesce(
        sum(events.revenue_cents) filter (where events.is_counted and gone.event_id is null), 0
    )::bigint,
    count(distinct events.visitor_id) filter (where events.is_counted and gone.event_id is null)
from intermediate.int_events as events
left join subject_events as gone on events.event_id = gone.event_id
where {windows}
"""


async def totals(
    connection: AsyncConnection, days: Sequence[date]
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """Before and after `subject_events` are gone; None where dbt has made no views yet."""
    if not await is_there(connection, "intermediate.int_events"):
        return None, None
    if not days:
        return asdict(Totals()), asdict(Totals())
    query = sql.SQL(COUNT).format(windows=in_days("events", days))
    [row] = await fetch(connection, query)
    return asdict(Totals(*row[:6])), asdict(Totals(*row[6:]))
