"""Why a day has to be built (again), in words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import LiteralString, NamedTuple

import psycopg

from eventmill.core.days import DayWindow, day_start
from eventmill.core.relations import has_builds

# When the build of a day began whose numbers count, or counted until an erasure or a later build
# took rows of it; null for a day that nothing has built.
SEEN: LiteralString = """(
    select
        days.day,
        coalesce(built.watermark, built.built_at, former.watermark) as seen_before
    from unnest(%(days)s::date []) as days (day)
    left join {builds} as built on days.day = built.date
    left join lateral (
        select max(watermark) as watermark
        from enrichment.builds
        where is_whole and finished_at is not null and days.day between first_day and last_day
    ) as former on true
)"""
NO_BUILDS: LiteralString = (
    "(select null::date as date, null::timestamptz as watermark, null::timestamptz as built_at)"
)

# One row for each of the days that have a reason. An erasure notes a day as replaced too, so that
# it is counted live at once, and says itself why it has to be built.
STATE: LiteralString = """
select
    seen.day,
    seen.seen_before,
    replaced.day is not null as is_half_built,
    touched.events,
    asked.reason
from {seen} as seen
left join (
    select distinct day from enrichment.replaced_days where model not like 'erasure %%'
) as replaced on seen.day = replaced.day
left join (
    select day, sum(events) as events from raw.touched_days group by day
) as touched on seen.day = touched.day
left join enrichment.days_to_rebuild as asked on seen.day = asked.day
where num_nonnulls(touched.day, replaced.day, asked.day) > 0 or seen.seen_before is null
order by seen.day
"""

LATE_EVENTS: LiteralString = """
select
    count(*) as events,
    min((received_at at time zone 'UTC')::date) as first_day,
    max((received_at at time zone 'UTC')::date) as last_day
from raw.events
where occurred_at >= %s and occurred_at < %s and created_at >= %s
"""


class LateEvents(NamedTuple):
    """Events that came after a day was built; the UTC days on which they were received."""

    events: int
    first_day: date | None
    last_day: date | None

    def __str__(self) -> str:
        received = " to ".join(str(d) for d in dict.fromkeys((self.first_day, self.last_day)))
        return f"{self.events:,} late event{'' if self.events == 1 else 's'}, received {received}"


def reasons_of(connection: psycopg.Connection, days: Sequence[date]) -> dict[date, str]:
    """Why each of `days` has to be built; a day that is as it should be is not in it."""
    builds = built_relation(connection)
    state = STATE.replace("{seen}", SEEN).replace("{builds}", builds)
    found = {}
    rows = connection.execute(state, {"days": list(days)}).fetchall()
    for day, seen_before, is_half_built, events, asked in rows:
        said = []
        if is_half_built:
            said.append("its last build did not succeed")
        if seen_before is None:
            said.append("not built")
        elif events is not None:
            late = late_events(connection, day, seen_before)
            said.append(str(late) if late.events else "events were deleted")
        if asked:
            said.append(asked)
        found[day] = "; ".join(said)
    return found


def built_relation(connection: psycopg.Connection) -> LiteralString:
    """The relation of built days; before dbt has made it, one without rows in its place."""
    return "marts.daily_builds" if has_builds(connection) else NO_BUILDS


def late_events(connection: psycopg.Connection, day: date, since: object) -> LateEvents:
    """The events of `day` that were stored at `since` or later."""
    window = DayWindow(day, day)
    row = connection.execute(LATE_EVENTS, (day_start(day), window.end, since)).fetchone()
    assert row is not None
    return LateEvents(*row)


def summary(reasons: Mapping[date, str]) -> str:
    """All of `reasons` in one line: each with its days."""
    days_of: dict[str, list[date]] = {}
    for day, reason in sorted(reasons.items()):
        days_of.setdefault(reason, []).append(day)
    return "; ".join(_on_days(reason, days) for reason, days in days_of.items())


def _on_days(reason: str, days: Sequence[date]) -> str:
    what, comma, rest = reason.partition(",")
    when = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    return f"{what} on {when}{comma}{rest}" if what != "not built" else f"not built: {when}{rest}"
