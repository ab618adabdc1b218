"""Which other days a late event changes.

An event changes only days of its own visitor: those near it on which the visitor has a session
(eventmill/core/rebuilds.py). Credits of later conversions need no request: building a day also
credits the conversions that its touches lead to (dbt's `conversions_to_credit`).
"""

from collections.abc import Collection
from datetime import date
from typing import LiteralString

import psycopg

from eventmill.core.days import ONE_DAY, DayWindow
from eventmill.core.rebuilds import SESSIONS_CHANGED
from eventmill.core.relations import has_builds, is_there
from orchestration.rebuilding.reasons import SEEN

FIRST, LAST = (ONE_DAY * days for days in SESSIONS_CHANGED)

# Days of the window whose build brings events that no build of the day had.
NEW_IN: LiteralString = """
select seen.day, coalesce(seen.seen_before, to_timestamp(0)) as seen_before
from {seen} as seen
where
    seen.seen_before is null
    or exists (select from raw.touched_days as touched where touched.day = seen.day)
""".replace("{seen}", SEEN).replace("{builds}", "marts.daily_builds")

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


def neighbours(connection: psycopg.Connection, window: DayWindow) -> dict[date, str]:
    """The built days outside of `window` that building it makes outdated.

    Reads the state before the build. Before the first build there are none.
    """
    if not has_builds(connection) or not is_there(connection, "marts.sessions"):
        return {}
    built = _built_around(connection, window)
    if not built:
        return {}
    found: dict[date, str] = {}
    for day, seen_before in connection.execute(NEW_IN, {"days": list(window)}).fetchall():
        for near in _with_sessions(connection, day, seen_before, built):
            found.setdefault(near, f"sessions of visitors with late events on {day}")
    return found


def _built_around(connection: psycopg.Connection, window: DayWindow) -> set[date]:
    """The built days outside of `window` that it can concern: at night there are none."""
    rows = connection.execute(
        "select date from marts.daily_builds where date between %s and %s and not date = any(%s)",
        (window.first + FIRST, window.last + LAST, list(window)),
    )
    return {day for (day,) in rows.fetchall()}


def _with_sessions(
    connection: psycopg.Connection, day: date, seen_before: object, built: Collection[date]
) -> list[date]:
    """The days of `built` with sessions that what is new on `day` can change."""
    if not any(FIRST <= other - day <= LAST for other in built):
        return []
    own = DayWindow(day, day)
    parameters = {
        "start": own.start,
        "end": own.end,
        "seen_before": seen_before,
        "sessions_from": own.start + FIRST,
        "sessions_to": own.end + LAST,
    }
    rows = connection.execute(LATE + SESSIONS, parameters).fetchall()
    return sorted(near for (near,) in rows if near in built)
