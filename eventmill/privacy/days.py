"""Finds the days that an erasure changes, and requests that exactly these be built again."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection, sql

from eventmill.core.days import stretches
from eventmill.core.rebuilds import ASK, SESSIONS_CHANGED, for_one_reason
from eventmill.privacy.certificate import note_of
from eventmill.privacy.relations import is_there
from eventmill.privacy.statements import fetch

REASON = "a person was erased"

# A day that retention dropped may have got late events since: they go, and its marts stay.
WITH_EVENTS: LiteralString = """
select distinct (found.occurred_at at time zone 'UTC')::date as day
from subject_events as found
where not exists (
    select from raw.dropped_days as dropped
    where dropped.day = (found.occurred_at at time zone 'UTC')::date
)
order by day
"""

# Sessions of who is not erased but loses events, such as a machine that wrote to the person
# (docs/decisions/0013).
NEIGHBOURS: LiteralString = """
select distinct (sessions.started_at at time zone 'UTC')::date as day
from (
    select distinct
        found.visitor_id,
        (found.occurred_at at time zone 'UTC')::date as day
    from subject_events as found
    where found.visitor_id <> all(%(visitors)s)
) as lost
inner join marts.sessions as sessions
    on
        lost.visitor_id = sessions.visitor_id
        and (sessions.started_at at time zone 'UTC')::date
        between lost.day + %(first)s and lost.day + %(last)s
"""

TOUCH: LiteralString = """
insert into raw.touched_days (day, writer, last_xid, events)
select day, pg_backend_pid(), pg_current_xact_id(), 0
from unnest(%(days)s::date[]) as touched (day)
where day not in (select dropped.day from raw.dropped_days as dropped)
order by day
on conflict (day, writer) do update set
    last_xid = excluded.last_xid,
    touched_at = excluded.touched_at
"""

# Days that were ever built: the others are counted live, as they were.
BUILT: LiteralString = """
select distinct receipts.date
from marts.build_receipts as receipts
where
    receipts.date = any(%(days)s)
    and receipts.date not in (select dropped.day from raw.dropped_days as dropped)
order by receipts.date
"""

# From here on they are counted live, until a build succeeds.
REPLACED: LiteralString = """
insert into enrichment.replaced_days (day, model, build_id)
select day, %(note)s, %(erasure_id)s from unnest(%(days)s::date[]) as replaced (day)
"""


async def days_with_events(connection: AsyncConnection) -> list[date]:
    """The days of `subject_events` that can be counted and built."""
    return [day for (day,) in await fetch(connection, WITH_EVENTS)]


async def neighbours(connection: AsyncConnection, visitors: Collection[str]) -> set[date]:
    """The days on which sessions of others change with `subject_events`, which are still there."""
    if not await is_there(connection, "marts.sessions"):
        return set()
    first, last = SESSIONS_CHANGED
    parameters = {"visitors": list(visitors), "first": first, "last": last}
    return {day for (day,) in await fetch(connection, NEIGHBOURS, parameters)}


async def note_days(
    connection: AsyncConnection,
    erasure_id: UUID,
    touched: Collection[date],
    also: Collection[date],
) -> list[date]:
    """Have those of the days that are built built again; which ones these are.

    `touched` have lost rows of the person, `also` follow from that.
    """
    await connection.execute(TOUCH, {"days": list(touched)})
    if not await is_there(connection, "marts.build_receipts"):
        return []
    days = sorted({*touched, *also})
    rebuilt = [day for (day,) in await fetch(connection, BUILT, {"days": days})]
    parameters = {
        "days": rebuilt,
        "note": note_of(erasure_id),
        "erasure_id": erasure_id,
    }
    await connection.execute(REPLACED, parameters)
    await connection.execute(ASK, for_one_reason(rebuilt, REASON))
    return rebuilt


def in_days(alias: str, days: Iterable[date]) -> sql.Composed:
    """A condition on `occurred_at`. The bounds are constants, so only their partitions are read."""
    return sql.SQL("({})").format(
        sql.SQL(" or ").join(
            sql.SQL("({column} >= {start} and {column} < {end})").format(
                column=sql.Identifier(alias, "occurred_at"),
                start=sql.Literal(window.start),
                end=sql.Literal(window.end),
            )
            for window in stretches(days)
        )
    )
