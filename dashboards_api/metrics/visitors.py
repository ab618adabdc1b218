"""Different visitors of several days or entities, exactly.

A built day of an entity has the set of its visitors, as numbers that `marts.visitors` gave them,
and one of the whole platform has a bitmap of them too (`sets.py`). Visitors of live days take part
under the same numbers (`numbering.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg import AsyncConnection, sql

from dashboards_api.database import tuples
from dashboards_api.metrics.numbering import numbered
from dashboards_api.metrics.queries import built_bitmaps
from dashboards_api.metrics.scopes import PLATFORM, Scope, built_part, in_windows
from dashboards_api.metrics.sets import NumberSet
from dashboards_api.ranges import Interval, interval_start
from eventmill.core.days import DayWindow

# One row a point, so that a range of years is never in memory as a whole. No index serves the last
# condition: the range of days then is one stretch of the index for each entity.
BUILT_SETS = """
select date_trunc(%(step)s, date::timestamp)::date, string_agg(visitors, ''::bytea)
from intermediate.int_entity_days
where {built} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
group by 1
"""

LIVE_SETS = """
with live as (
    select distinct
        date_trunc(%(step)s, occurred_at at time zone 'UTC')::date as point,
        visitor_id
    from intermediate.int_events
    where {live} and ({windows}) and is_counted
),

numbered as materialized ({numbered})

select live.point, string_agg(int4send(numbered.visitor_number), ''::bytea)
from live
inner join numbered on live.visitor_id = numbered.visitor_id
group by live.point
"""

# Where no day of the range is built. The inner distinct is a hash table; count(distinct) would sort
# every event of the range.
LIVE_COUNTS = """
select point, count(*)
from (
    select distinct
        {point} as point,
        visitor_id
    from intermediate.int_events
    where {live} and ({windows}) and is_counted
) as visitors
group by point
"""

WHOLE_RANGE = sql.SQL("null::date")
EACH_POINT = sql.SQL("date_trunc(%(step)s, occurred_at at time zone 'UTC')::date")


@dataclass(frozen=True, slots=True)
class Visitors:
    """Different visitors of a range, and of each of its points by the point's first day."""

    total: int
    points: dict[date, int] = field(default_factory=dict)


async def unique_visitors(
    connection: AsyncConnection,
    scope: Scope,
    window: DayWindow,
    live: Sequence[DayWindow],
    points: Interval | None,
    built: Sequence[tuple[date, bytes]] | None = None,
) -> Visitors:
    """Each visitor of all that `scope` means once in `window`, and once in each of its `points`.

    `live` are the parts of `window` that are not built; without `points` only the total is counted.
    `built` are the sets of the built days, if they are read already.
    """
    if list(live) == [window]:
        return await _counted_live(connection, scope, window, points)
    united = _Union(points)
    if built is not None:
        united.add_days(built)
    elif scope is PLATFORM:
        for day, bits in await built_bitmaps(connection, window, live):
            united.add_bitmap(day, bits)
    else:
        await _stream(
            connection,
            scope.compose(BUILT_SETS),
            scope.parameters | built_part(window, live),
            united,
        )
    if live:
        windows, bounds = in_windows(live)
        query = scope.compose(LIVE_SETS, windows=windows, numbered=numbered(sql.SQL("live")))
        await _stream(connection, query, scope.parameters | bounds, united)
    return united.counted()


class _Union:
    """The visitors of a range, and of each of its points."""

    def __init__(self, points: Interval | None) -> None:
        self.interval = points
        self.total = NumberSet()
        self.members: dict[date, NumberSet] = {}

    def add_days(self, days: Sequence[tuple[date, bytes]]) -> None:
        """Sets of single days, of which a point has several."""
        by_point: dict[date | None, list[bytes]] = {}
        for day, packed in days:
            label = interval_start(day, self.interval) if self.interval else None
            by_point.setdefault(label, []).append(packed)
        for point, sets in by_point.items():
            self.add(point, b"".join(sets))

    def add(self, point: date | None, packed: bytes) -> None:
        """A set of the point that begins with this day."""
        self.total.add(packed)
        if self.interval and point:
            self.members.setdefault(point, NumberSet()).add(packed)

    def add_bitmap(self, day: date, bits: bytes) -> None:
        self.total.add_bitmap(bits)
        if self.interval:
            point = interval_start(day, self.interval)
            self.members.setdefault(point, NumberSet()).add_bitmap(bits)

    def counted(self) -> Visitors:
        return Visitors(len(self.total), {point: len(m) for point, m in self.members.items()})


async def _stream(
    connection: AsyncConnection, query: sql.Composed, parameters: dict[str, Any], united: _Union
) -> None:
    # Without points still month by month, to have few sets in memory at once.
    step = {"step": united.interval or "month"}
    async with connection.cursor() as cursor:
        async for point, packed in cursor.stream(query, parameters | step, binary=True):
            united.add(point, packed)


async def _counted_live(
    connection: AsyncConnection, scope: Scope, window: DayWindow, points: Interval | None
) -> Visitors:
    windows, bounds = in_windows([window])

    async def count(point: sql.SQL) -> dict[date, int]:
        query = scope.compose(LIVE_COUNTS, windows=windows, point=point)
        return dict(await tuples(connection, query, {**scope.parameters, **bounds, "step": points}))

    [total] = (await count(WHOLE_RANGE)).values() or [0]
    return Visitors(total, await count(EACH_POINT) if points else {})
