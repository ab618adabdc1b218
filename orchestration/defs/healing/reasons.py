"""Why a day has to be built (again), in words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import LiteralString, NamedTuple

import psycopg

from eventmill.core.days import DayWindow, day_start
from orchestration.relations import has_builds

# One row for each of the days that have a reason. An erasure notes a day as replaced too, so that
# it is counted live at once, and says itself why it has to be built.
STATE: LiteralString = """
select
    days.day,
    built.date is not null as is_built,
    replaced.day is not null as is_half_built,
    coalesce(built.watermark, built.built_at) as seen_before,
    touched.events,
    asked.reason
from unnest(%s::date []) as days (day)
left join {receipts} as built on days.day = built.date
left join (
    select distinct day from enrichment.replaced_days where model not like 'erasure %%'
) as replaced on days.day = replaced.day
left join (
    select day, sum(events) as events from raw.touched_days group by day
) as touched on days.day = touched.day
left join enrichment.days_to_rebuild as asked on days.day = asked.day
where num_nonnulls(touched.day, replaced.day, asked.day) > 0 or built.date is null
order by days.day
"""
# What the last build of a day that succeeded saw, whatever became of those after it.
RECEIPTS: LiteralString = """(
    select distinct on (receipts.date) receipts.*
    from marts.build_receipts as receipts
    left join enrichment.builds as builds on receipts.build_id = builds.build_id
    where receipts.build_id is null or builds.finished_at is not null
    order by receipts.date, receipts.built_at desc
)"""
NO_BUILDS: LiteralString = (
    "(select null::date as date, null::timestamptz as watermark, null::timestamptz as built_at)"
)

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
    state = STATE.replace("{receipts}", RECEIPTS if has_builds(connection) else NO_BUILDS)
    found = {}
    rows = connection.execute(state, [list(days)]).fetchall()
    for day, is_built, is_half_built, seen_before, events, asked in rows:
        said = []
        if is_half_built:
            said.append("its last build did not succeed")
        if not is_built:
            said.append("not built")
        elif events is not None:
            late = late_events(connection, day, seen_before)
            said.append(str(late) if late.events else "events were deleted")
        if asked:
            said.append(asked)
        found[day] = "; ".join(said)
    return found


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
