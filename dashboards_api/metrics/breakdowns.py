"""One pass over built days and one over live ones, each grouped in several ways.

Built days come from a roll-up, live ones from `intermediate.int_traffic`, the view that those are
built from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

from psycopg import AsyncConnection, sql

from dashboards_api.database import fill, tuples
from dashboards_api.metrics.numbering import numbered
from dashboards_api.metrics.registry import ADDITIVE, SUMS
from dashboards_api.metrics.scopes import (
    PLATFORM,
    Scope,
    assets_scope,
    built_part,
    in_windows,
    licenses_alone_scope,
)
from dashboards_api.ranges import Interval
from eventmill.core.days import DayWindow

BUILT = """
select
    {missing} as missing, {columns}, {sums},
    0::bigint as unclassified,
    {united} as visitors
from (
    select {keys}, {numbers}, {visitors} as visitors from {table}
    where {rows} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
) as days
group by grouping sets ({sets})
"""
BUILT_POINT: LiteralString = "date_trunc(%(step)s, date::timestamp)::date as point"

# Thousands of groups would take longer to read than to make. `kept` are groups that have live
# events: whatever has none and is not among the first here is not among the first of both.
TOP = """
select
    missing, {columns}, {numbers}, unclassified, visitors
from (
    select
        *,
        row_number() over (
            partition by missing, {within}
            order by views desc, revenue_cents desc, {member} collate "C"
        ) as rank
    from ({built}) as counted
    where missing <> %(ranked)s or {member} is not null
) as ranked
where
    missing <> %(ranked)s
    or rank <= %(most)s
    or ({within}, {member}) in (
        select kept.within, kept.member
        from unnest(%(kept_within)s::text[], %(kept)s::text[]) as kept (within, member)
    )
"""

LIVE = """
with live as (
    select
        {keys}, visitor_id, {sums},
        count(*) filter (where not is_classified) as unclassified
    from intermediate.int_traffic
    where {live} and ({windows})
    group by {columns}, visitor_id
),

numbered as materialized ({numbered})

select
    {missing}, {columns}, {sums},
    sum(unclassified)::bigint,
    string_agg(int4send(numbered.visitor_number), ''::bytea)
from live
inner join numbered on live.visitor_id = numbered.visitor_id
group by grouping sets ({sets})
"""
LIVE_POINT: LiteralString = "date_trunc(%(step)s, occurred_at at time zone 'UTC')::date as point"


@dataclass(frozen=True, slots=True)
class Top:
    """Of each `within`, only its `most` viewed members are wanted, and none without a name; of
    equals the one that earned more, then by name."""

    within: LiteralString
    member: LiteralString
    most: int

    @property
    def columns(self) -> tuple[LiteralString, ...]:
        return (self.within, self.member)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What is counted, and by what it is grouped.

    `rows` is a condition on `table`, a roll-up by day, whose visitors are in a column `visitors` of
    packed numbers or `bits` of bitmaps; `scope.live` is the same condition on
    `intermediate.int_traffic`. Each of `sets` are columns of both. The points of the range are
    always a grouping too, and every event is in one of them. Of the grouping that `top` names more
    than wanted may be found.
    """

    table: LiteralString
    rows: LiteralString
    scope: Scope
    visitors: Literal["visitors", "bits"] = "visitors"
    sets: tuple[tuple[LiteralString, ...], ...] = ()
    top: Top | None = None
    beside: Scope | None = None
    """Rows of built days that `table` has not, few of them: they are counted from events."""

    @property
    def keys(self) -> tuple[LiteralString, ...]:
        return tuple(dict.fromkeys(column for columns in self.sets for column in columns))

    @property
    def columns(self) -> tuple[LiteralString, ...]:
        return (*self.keys, "point")

    def missing(self, members: Sequence[str]) -> int:
        """PostgreSQL's `grouping(columns)` of rows grouped by `members`: a bit for each column, the
        last one first, 1 for what they are not grouped by."""
        bits = ("0" if column in members else "1" for column in self.columns)
        return int("".join(bits), 2)

    def parts(self, point: LiteralString) -> dict[str, sql.Composable]:
        """What the two queries have in common; `point` is how each finds a row's point."""
        return {
            "keys": fill("{}", [*self.keys, sql.SQL(point)]),
            "columns": fill("{}", self.columns),
            "missing": fill("grouping({})", self.columns),
            "numbers": fill("{}", ADDITIVE),
            "sums": sql.SQL(SUMS),
            "sets": fill("{}", [fill("({})", members) for members in (*self.sets, POINTS)]),
        }


POINTS: tuple[LiteralString, ...] = ("point",)
# The grouping, its values in the order of its columns, and what `Tally.add` takes.
Group = tuple[tuple[str, ...], tuple[Any, ...], tuple[Any, ...]]

# A day of everything has a bitmap of its visitors (docs/decisions/0014).
EVERYTHING = Breakdown(
    table="intermediate.int_platform_visitors inner join intermediate.int_entity_days using (date)",
    rows=PLATFORM.built,
    visitors="bits",
    scope=PLATFORM,
)


# By the asset's index it has few rows: one for each visitor of a day in a project.
OWN_TRAFFIC: LiteralString = """(
    select *, coalesce(int4send(visitor_number), '') as visitors from marts.traffic_daily
) as own_traffic"""


def of_assets(assets: Sequence[str], *sets: tuple[LiteralString, ...]) -> Breakdown:
    """These assets, together and by each of `sets`, which are of `ip_asset_id` and `channel`. Every
    event has one channel, so the roll-up of assets by channel has everything of an asset."""
    return Breakdown(
        table="intermediate.int_traffic_days",
        rows="grain = 'asset_channel' and ip_asset_id = any(%(asset_ids)s)",
        scope=assets_scope(assets),
        sets=sets,
    )


def of_own(own: Scope, *sets: tuple[LiteralString, ...]) -> Breakdown:
    """What a brand does with an asset (`own_scope`), together and by each of `sets`."""
    return Breakdown(
        table=OWN_TRAFFIC,
        rows="ip_asset_id = %(asset_id)s and project_id = any(%(project_ids)s)",
        scope=own,
        beside=licenses_alone_scope(own),
        sets=sets,
    )


async def built_groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    window: DayWindow,
    live: Sequence[DayWindow],
    step: Interval,
    live_groups: Iterable[Group],
) -> list[Group]:
    """The groups of `window` without its `live` parts; `live_groups` are those of these."""
    is_bitmap = breakdown.visitors == "bits"
    united = "array_agg(visitors)" if is_bitmap else "string_agg(visitors, ''::bytea)"
    parts = breakdown.parts(BUILT_POINT)
    query = sql.SQL(BUILT).format(
        table=sql.SQL(breakdown.table),
        rows=sql.SQL(breakdown.rows),
        visitors=sql.Identifier(breakdown.visitors),
        united=sql.SQL(united),
        **parts,
    )
    parameters = {**breakdown.scope.parameters, **built_part(window, live), "step": step}
    if top := breakdown.top:
        kept = [key for members, key, _ in live_groups if members == top.columns]
        query = sql.SQL(TOP).format(
            built=query,
            columns=parts["columns"],
            numbers=parts["numbers"],
            within=sql.Identifier(top.within),
            member=sql.Identifier(top.member),
        )
        parameters |= {
            "ranked": breakdown.missing(top.columns),
            "most": top.most,
            "kept_within": [within for within, _ in kept],
            "kept": [member for _, member in kept],
        }
    return await _groups(connection, breakdown, query, parameters)


async def live_groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    live: Sequence[DayWindow],
    step: Interval,
    has_numbers: bool,
) -> list[Group]:
    """The same of `live`, from events; `has_numbers`: visitors have those of the built days."""
    windows, bounds = in_windows(live)
    query = breakdown.scope.compose(
        LIVE,
        windows=windows,
        numbered=numbered(sql.SQL("live"), has_numbers=has_numbers),
        **breakdown.parts(LIVE_POINT),
    )
    parameters = breakdown.scope.parameters | bounds
    return await _groups(connection, breakdown, query, {**parameters, "step": step})


async def _groups(
    connection: AsyncConnection,
    breakdown: Breakdown,
    query: sql.Composed,
    parameters: dict[str, Any],
) -> list[Group]:
    # Binary: sets of visitors as text would be twice as long.
    found = await tuples(connection, query, parameters, binary=True)
    columns = breakdown.columns
    first = 1 + len(columns)
    places = {
        breakdown.missing(members): (members, [1 + columns.index(column) for column in members])
        for members in (*breakdown.sets, POINTS)
    }
    groups = []
    for row in found:
        members, at = places[row[0]]
        values = (row[first:-2], *row[-2:])
        groups.append((members, tuple(row[place] for place in at), values))
    return groups
