"""Which other days a late event changes.

Everything is visitor-local: a session depends on its visitor's events from two days before the day
on which it began to the end of the day after; what a conversion is credited to, on his sessions of
the lookback before. So an event on day X concerns the days X-1 to X+2 on which its visitor has a
session, and his conversions in the lookback after that.
"""

from collections.abc import Collection
from datetime import date, timedelta
from functools import cache
from typing import Literal, LiteralString, NamedTuple

import psycopg
import yaml

from eventmill.days import DayWindow
from eventmill.settings import get_settings
from orchestration.defs.healing.reasons import RECEIPTS, has_builds

# How far a session's day lies from an event that can change it.
DAYS_BEFORE, DAYS_AFTER = 1, 2
DEFAULT_LOOKBACK = 30

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

CONVERSIONS: LiteralString = """
select distinct built.date
from late
inner join marts.conversions as conversions on late.visitor_id = conversions.visitor_id
inner join marts.daily_builds as built
    on built.date = (conversions.occurred_at at time zone 'UTC')::date
where conversions.occurred_at >= %(end)s and conversions.occurred_at < %(conversions_to)s
"""

ASK: LiteralString = """
insert into enrichment.days_to_rebuild as known (day, asked_at, reason, kind)
select day, clock_timestamp(), reason, kind
from unnest(%s::date [], %s::text [], %s::text []) as asked (day, reason, kind)
order by day
on conflict (day) do update set
    asked_at = excluded.asked_at,
    asked_xid = excluded.asked_xid,
    kind = case when known.kind = excluded.kind then known.kind else 'both' end,
    reason = case
        when strpos(known.reason, excluded.reason) > 0 or length(known.reason) > 300
            then known.reason
        else known.reason || '; ' || excluded.reason
    end
"""
# `conversions` wait for the days before them, whose sessions they are credited to.
Kind = Literal["events", "conversions", "both"]


class Neighbour(NamedTuple):
    """A built day that a build of another has made outdated."""

    day: date
    reason: str
    kind: Kind


@cache
def lookback_days() -> int:
    """Days before a conversion whose sessions it is credited to: dbt's variable."""
    project = yaml.safe_load((get_settings().dbt_project_dir / "dbt_project.yml").read_text())
    return int(project.get("vars", {}).get("lookback_days", DEFAULT_LOOKBACK))


def reach_days() -> int:
    """How many days after an event it can still change something."""
    return lookback_days() + DAYS_AFTER


def neighbours(connection: psycopg.Connection, window: DayWindow) -> list[Neighbour]:
    """The built days outside of `window` that building it makes outdated.

    Reads the state before the build. Without the marts of sessions and conversions there are none.
    """
    if not has_builds(connection) or not is_there(connection, "intermediate.int_events"):
        return []
    built = _built_around(connection, window)
    if not built:
        return []
    found: dict[tuple[date, Kind], str] = {}
    new_in = connection.execute(
        NEW_IN.replace("{receipts}", RECEIPTS), {"days": list(window)}
    ).fetchall()
    for day, seen_before in new_in:
        for neighbour in _of_day(connection, day, seen_before, built):
            if neighbour.day in built:
                found.setdefault((neighbour.day, neighbour.kind), neighbour.reason)
    return [Neighbour(day, reason, kind) for (day, kind), reason in sorted(found.items())]


def _built_around(connection: psycopg.Connection, window: DayWindow) -> set[date]:
    """The built days outside of `window` that it can concern: at night there are none."""
    rows = connection.execute(
        "select date from marts.daily_builds where date between %s and %s and not date = any(%s)",
        (
            window.first - timedelta(days=DAYS_BEFORE),
            window.last + timedelta(days=reach_days()),
            list(window),
        ),
    )
    return {day for (day,) in rows.fetchall()}


def _of_day(
    connection: psycopg.Connection, day: date, seen_before: object, built: Collection[date]
) -> list[Neighbour]:
    """The days that what is new on `day` concerns, as far as days near it are `built`."""
    own = DayWindow(day, day)
    after = (other - day for other in built)
    is_near = any(-DAYS_BEFORE <= gap.days <= DAYS_AFTER for gap in after)
    is_before = any(day < other for other in built)
    parameters = {
        "start": own.start,
        "end": own.end,
        "seen_before": seen_before,
        "sessions_from": own.start - timedelta(days=DAYS_BEFORE),
        "sessions_to": own.end + timedelta(days=DAYS_AFTER),
        "conversions_to": own.end + timedelta(days=reach_days()),
    }
    found: list[Neighbour] = []
    if is_near and is_there(connection, "marts.sessions"):
        for (near,) in connection.execute(LATE + SESSIONS, parameters).fetchall():
            found.append(
                Neighbour(near, f"sessions of visitors with late events on {day}", "events")
            )
    if is_before and is_there(connection, "marts.conversions"):
        reason = f"conversions of visitors with late events on {day}"
        for (near,) in connection.execute(LATE + CONVERSIONS, parameters).fetchall():
            found.append(Neighbour(near, reason, "conversions"))
    return found


def ask_for(connection: psycopg.Connection, asked: Collection[Neighbour]) -> None:
    """Note days as to be built again."""
    one_a_day: dict[date, Neighbour] = {}
    for new in asked:
        known = one_a_day.get(new.day)
        if known is not None and known.kind != new.kind:
            new = Neighbour(new.day, f"{known.reason}; {new.reason}", "both")
        one_a_day[new.day] = new
    if one_a_day:
        days, reasons, kinds = zip(*one_a_day.values(), strict=True)
        connection.execute(ASK, (list(days), list(reasons), list(kinds)))


def is_there(connection: psycopg.Connection, relation: str) -> bool:
    """Whether a table or view is there."""
    row = connection.execute("select to_regclass(%s) is not null", (relation,)).fetchone()
    return row is not None and bool(row[0])
