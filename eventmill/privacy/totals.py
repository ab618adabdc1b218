"""Counts the numbers of some days, with and without a person, from the events.

It is one statement, so that both counts see the same events while others arrive.
"""

from collections.abc import Sequence
from datetime import date
from typing import LiteralString

from psycopg import AsyncConnection, sql

from eventmill.privacy.days import in_days
from eventmill.privacy.relations import is_there
from eventmill.privacy.statements import fetch

SUMS = ("views", "clicks", "conversions", "revenue_cents")
# `events` includes those of bots; each visitor counts once.
NAMES = ("events", *SUMS, "unique_visitors")
COUNT: LiteralString = """
select
    with_person.included,
    count(*),
    {sums},
    count(distinct events.visitor_id) filter (where events.is_counted)
from intermediate.int_events as events
left join subject_events as gone on events.event_id = gone.event_id
inner join (values (true), (false)) as with_person (included)
    on with_person.included or gone.event_id is null
where {windows}
group by with_person.included
"""
SUM: LiteralString = "coalesce(sum(events.{}) filter (where events.is_counted), 0)::bigint"
Totals = dict[str, int]


async def totals(
    connection: AsyncConnection, days: Sequence[date]
) -> tuple[Totals | None, Totals | None]:
    """Before and after `subject_events` are gone; None where dbt has made no views yet."""
    if not await is_there(connection, "intermediate.int_events"):
        return None, None
    nothing = dict.fromkeys(NAMES, 0)
    if not days:
        return nothing, nothing
    query = sql.SQL(COUNT).format(
        sums=sql.SQL(", ").join(sql.SQL(SUM).format(sql.Identifier(name)) for name in SUMS),
        windows=in_days("events", days),
    )
    found = {
        included: dict(zip(NAMES, row, strict=True))
        for included, *row in await fetch(connection, query)
    }
    return found.get(True, nothing), found.get(False, nothing)
