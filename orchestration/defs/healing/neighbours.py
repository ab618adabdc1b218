"""Which other days a late event changes.

Everything is visitor-local: a session depends on its visitor's events from two days before the day
on which it began to the end of the day after. So an event on day X concerns the days X-1 to X+2 on
which its visitor has a session. What later conversions are credited to follows by itself: building
a day credits those that its touches lead to (dbt's `conversions_to_credit`).
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import LiteralString, NamedTuple

import psycopg

from eventmill.core.days import DayWindow
from orchestration.defs.healing.reasons import RECEIPTS
from orchestration.relations import has_builds, is_there

# How far a session's day lies from an event that can change it.
DAYS_BEFORE, DAYS_AFTER = 1, 2

# Days of the window whose build brings events that no build of the day had.
NEW_IN: LiteralString = """
select days.day, coalesce(built.watermark, built.built_at, to_timestamp(0)) as seen_before
from unnest(%(days)s::date []) as days (day)
left join {receipts} as built on days.day = built.date
where
    built.date is null
    or exists (select from raw.touched_days as touched where touched.day = days.day)
"""

LATE: LiteralString = """
with late as (
    select visitor_id, max(created_at) as stored_at
    from intermediate.int_events
    where
        occurred_at >= %(start)s and occurred_at < %(end)s
        and created_at >= %(seen_before)s
        and is_counted
    group by visitor_id
)
"""

# A day whose build had the event already need not be built again for its sessions.
SESSIONS: LiteralString = """
select distinct built.date
from late
inner join marts.sessions as sessions on late.visitor_id = sessions.visitor_id
inner join marts.daily_builds as built
    on built.date = (sessions.started_at at time zone 'UTC')::date
where
    sessions.started_at >= %(sessions_from)s and sessions.started_at < %(sessions_to)s
    and late.stored_at >= coalesce(built.watermark, built.built_at)
"""

ASK: LiteralString = """
insert into enrichment.days_to_rebuild as known (day, asked_at, reason)
select day, clock_timestamp(), reason
from unnest(%s::date [], %s::text []) as asked (day, reason)
order by day
on conflict (day) do update set
    asked_at = excluded.asked_at,
    asked_xid = excluded.asked_xid,
    reason = case
        when strpos(known.reason, excluded.reason) > 0 or length(known.reason) > 300
            then known.reason
        else known.reason || '; ' || excluded.reason
    end
"""


class Neighbour(NamedTuple):
    """A built day that a build of another has made outdated."""

    day: date
    reason: str


def neighbours(connection: psycopg.Connection, window: DayWindow) -> list[Neighbour]:
    """The built days outside of `window` that building it makes outdated.

    Reads the state before the build. Before the first build there are none.
    """
    if not has_builds(connection) or not is_there(connection, "marts.sessions"):
        return []
    built = _built_around(connection, window)
    if not built:
        return []
    new_in = connection.execute(
        NEW_IN.replace("{receipts}", RECEIPTS), {"days": list(window)}
    ).fetchall()
    found: dict[date, str] = {}
    for day, seen_before in new_in:
        for near in _with_sessions(connection, day, seen_before, built):
            found.setdefault(near, f"sessions of visitors with late events on {day}")
    return [Neighbour(day, reason) for day, reason in sorted(found.items())]


def _built_around(connection: psycopg.Connection, window: DayWindow) -> set[date]:
    """The built days outside of `window` that it can concern: at night there are none."""
    rows = connection.execute(
        "select date from marts.daily_builds where date between %s and %s and not date = any(%s)",
        (
            window.first - timedelta(days=DAYS_BEFORE),
            window.last + timedelta(days=DAYS_AFTER),
            list(window),
        ),
    )
    return {day for (day,) in rows.fetchall()}


def _with_sessions(
    connection: psycopg.Connection, day: date, seen_before: object, built: Collection[date]
) -> list[date]:
    """The days of `built` with sessions that what is new on `day` can change."""
    if not any(-DAYS_BEFORE <= (other - day).days <= DAYS_AFTER for other in built):
        return []
    own = DayWindow(day, day)
    parameters = {
        "start": own.start,
        "end": own.end,
        "seen_before": seen_before,
        "sessions_from": own.start - timedelta(days=DAYS_BEFORE),
        "sessions_to": own.end + timedelta(days=DAYS_AFTER),
    }
    rows = connection.execute(LATE + SESSIONS, parameters).fetchall()
    return [near for (near,) in rows if near in built]


def ask_for(connection: psycopg.Connection, asked: Collection[Neighbour]) -> None:
    """Note days as to be built again, each once in `asked`."""
    if asked:
        days, reasons = zip(*asked, strict=True)
        connection.execute(ASK, (list(days), list(reasons)))
