"""One pass over built days and one over live ones, each grouped in several ways.

Built days come from a table of traffic (`marts.traffic_daily` or its roll-up), live ones from
`intermediate.int_traffic`, the view that those are built from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql

from dashboards_api.metrics.scopes import Scope, built_part, in_windows
from dashboards_api.ranges import Interval
from eventmill.days import DayWindow

SUMS: LiteralString = """
    least(sum(views), 9223372036854775807)::bigint,
    least(sum(clicks), 9223372036854775807)::bigint,
    least(sum(conversions), 9223372036854775807)::bigint,
    least(sum(revenue_cents), 9223372036854775807)::bigint,
    least(sum(engagement_time), 9223372036854775807)::bigint
"""

BUILT = """
select {missing}, {columns}, {sums}, 0::bigint, string_agg(visitors, ''::bytea)
from (
    select
        {keys},
        date_trunc(%(step)s, date::timestamp)::date as point,
        views, clicks, conversions, revenue_cents, engagement_time,
        {visitors} as visitors
    from {table}
    where {built} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
) as days
group by grouping sets ({sets})
"""

# Whom no build has met yet gets a number past all others, for the length of the answer.
LIVE = """
with live as (
    select
        {keys},
        date_trunc(%(step)s, occurred_at at time zone 'UTC')::date as point,
        visitor_id,
        sum(views) as views,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(revenue_cents) as revenue_cents,
        sum(engagement_time) as engagement_time,
        count(*) filter (where not is_classified) as unclassified
    from intermediate.int_traffic
    where {live} and ({windows})
    group by {columns}, visitor_id
),

people as materialized (
    select
        live.visitor_id,
        {known_number} as visitor_number
    from live
    group by live.visitor_id
),

numbered as (
    select
        visitor_id,
        coalesce(
            visitor_number,
            {highest_number} + row_number() over (partition by visitor_number is null)
        )::integer as visitor_number
    from people
)

select
    {missing}, {columns}, {sums},
    sum(unclassified)::bigint,
    string_agg(int4send(numbered.visitor_number), ''::bytea)
from live
inner join numbered on live.visitor_id = numbered.visitor_id
group by grouping sets ({sets})
"""


KNOWN_NUMBER = """(
            select visitors.visitor_number
            from marts.visitors
            where visitors.visitor_id = live.visitor_id
        )"""
HIGHEST_NUMBER = "(select coalesce(max(visitors.visitor_number), 0) from marts.visitors)"
# Before the first build there is no such table.
NOBODY_KNOWN, NO_NUMBER = "null::integer", "0"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What is counted, and by what it is grouped.

    `scope.built` is a condition on `table`, a table of traffic by day whose expression `visitors`
    gives packed numbers; `scope.live` is the same condition on `intermediate.int_traffic`. `keys`
    are columns of both, and each of `sets` are some of them. The points of the range are always a
    grouping too, and every event is in one of them.
    """

    table: LiteralString
    visitors: LiteralString
    scope: Scope
    keys: tuple[LiteralString, ...]
    sets: tuple[tuple[LiteralString, ...], ...]

    @property
    def columns(self) -> tuple[LiteralString, ...]:
        return (*self.keys, "point")

    def parts(self) -> dict[str, sql.Composable]:
        """What the two queries have in common."""
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        sets = [
            sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Identifier, members)))
            for members in (*self.sets, POINTS)
        ]
        return {
            "keys": sql.SQL(", ").join(map(sql.Identifier, self.keys)),
            "columns": columns,
            "missing": sql.SQL("grouping({})").format(columns),
            "sums": sql.SQL(SUMS),
            "sets": sql.SQL(", ").join(sets),
        }


POINTS: tuple[LiteralString, ...] = ("point",)
# The grouping, its values in the order of its columns, and what `Tally.add` takes.
Group = tuple[tuple[str, ...], tuple[Any, ...], tuple[Any, ...]]


async def built_groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    window: DayWindow,
    live: Sequence[DayWindow],
    step: Interval,
) -> list[Group]:
    """The groups of `window` without its `live` parts."""
    query = breakdown.scope.compose(
        BUILT,
        table=sql.SQL(breakdown.table),
        visitors=sql.SQL(breakdown.visitors),
        **breakdown.parts(),
    )
    parameters = breakdown.scope.parameters | built_part(window, live)
    return await _groups(connection, breakdown, query, {**parameters, "step": step})


async def live_groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    live: Sequence[DayWindow],
    step: Interval,
    has_numbers: bool,
) -> list[Group]:
    """The same of `live`, from events; `has_numbers`: visitors of earlier builds are known."""
    windows, bounds = in_windows(live)
    query = breakdown.scope.compose(
        LIVE,
        windows=windows,
        known_number=sql.SQL(KNOWN_NUMBER if has_numbers else NOBODY_KNOWN),
        highest_number=sql.SQL(HIGHEST_NUMBER if has_numbers else NO_NUMBER),
        **breakdown.parts(),
    )
    parameters = breakdown.scope.parameters | bounds
    return await _groups(connection, breakdown, query, {**parameters, "step": step})


async def _groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    query: sql.Composed,
    parameters: dict[str, Any],
) -> list[Group]:
    columns = breakdown.columns
    # Binary: sets of visitors as text would be twice as long.
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, parameters)
        found = await cursor.fetchall()
    groups = []
    for missing, *row in found:
        values = dict(zip(columns, row, strict=False))
        # Bit by bit, the last column first: 1 for what the row is not grouped by.
        members = tuple(
            column
            for position, column in enumerate(columns)
            if not missing >> (len(columns) - 1 - position) & 1
        )
        key = tuple(values[column] for column in members)
        groups.append((members, key, tuple(row[len(columns) :])))
    return groups
