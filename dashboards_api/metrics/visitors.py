"""Different visitors of several days or entities, exactly.

A built day of an entity has the set of its visitors, as numbers that `marts.visitors` gave them
(docs/decisions/0014). Sets are united here. Visitors of live days take part under the same numbers;
one whom no build has met yet gets a number past all others, for the length of the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from psycopg import AsyncConnection, sql

from dashboards_api.database import tuples
from dashboards_api.metrics.scopes import Scope, built_part, in_windows
from dashboards_api.ranges import Interval
from eventmill.days import DayWindow

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

people as materialized (
    select
        live.visitor_id,
        (
            select visitors.visitor_number
            from marts.visitors
            where visitors.visitor_id = live.visitor_id
        ) as visitor_number
    from live
    group by live.visitor_id
),

numbered as (
    select
        visitor_id,
        coalesce(
            visitor_number,
            (select coalesce(max(visitors.visitor_number), 0) from marts.visitors)
            + row_number() over (partition by visitor_number is null)
        )::integer as visitor_number
    from people
)

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


class VisitorSet:
    """A set of visitor numbers, as one byte for each number up to the highest."""

    def __init__(self) -> None:
        self._is_in = np.zeros(0, dtype=np.bool_)

    def add(self, packed: bytes) -> None:
        """Unite with numbers of four bytes each, the most significant first."""
        # In the machine's own order, or numpy would convert them twice.
        numbers = np.frombuffer(packed, dtype=">u4").astype(np.intp)
        if not numbers.size:
            return
        if (size := int(numbers.max()) + 1) > self._is_in.size:
            grown = np.zeros(size, dtype=np.bool_)
            grown[: self._is_in.size] = self._is_in
            self._is_in = grown
        self._is_in[numbers] = True

    def __len__(self) -> int:
        return int(np.count_nonzero(self._is_in))


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
) -> Visitors:
    """Each visitor of all that `scope` means once in `window`, and once in each of its `points`.

    `live` are the parts of `window` that are not built; without `points` only the total is counted.
    """
    if list(live) == [window]:
        return await _counted_live(connection, scope, window, points)
    total = VisitorSet()
    members: dict[date, VisitorSet] = {}
    # Without points still month by month, to have few sets in memory at once.
    step = {"step": points or "month"}
    for query, parameters in _queries(scope, window, live):
        async with connection.cursor() as cursor:
            rows = cursor.stream(query, parameters | step, binary=True)
            async for point, packed in rows:
                total.add(packed)
                if points:
                    members.setdefault(point, VisitorSet()).add(packed)
    return Visitors(len(total), {point: len(found) for point, found in members.items()})


def _queries(
    scope: Scope, window: DayWindow, live: Sequence[DayWindow]
) -> Iterator[tuple[sql.Composed, dict[str, Any]]]:
    """The queries that give sets of visitors by the first day of a step, and their parameters."""
    yield scope.compose(BUILT_SETS), scope.parameters | built_part(window, live)
    if live:
        windows, bounds = in_windows(live)
        yield scope.compose(LIVE_SETS, windows=windows), scope.parameters | bounds


async def _counted_live(
    connection: AsyncConnection, scope: Scope, window: DayWindow, points: Interval | None
) -> Visitors:
    windows, bounds = in_windows([window])

    async def count(point: sql.SQL) -> dict[date, int]:
        query = scope.compose(LIVE_COUNTS, windows=windows, point=point)
        return dict(await tuples(connection, query, {**scope.parameters, **bounds, "step": points}))

    [total] = (await count(WHOLE_RANGE)).values() or [0]
    return Visitors(total, await count(EACH_POINT) if points else {})
