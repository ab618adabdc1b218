"""Counts the different visitors of a group over several days, by uniting the days' sets.

A page of rows needs only the sets of its own groups.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

from psycopg import AsyncConnection, sql

from dashboards_api.metrics.sets import NumberSet
from dashboards_api.query.catalog import VISITOR
from dashboards_api.query.pieces import (
    Cte,
    comma,
    conjunction,
    dimension_columns,
    group_by,
    live_ctes,
    numbered_live,
)
from dashboards_api.query.sources import Bound, Source, Sources

Key = tuple[str | date | None, ...]

# One row a group and month, so that a range of years is never in memory as a whole.
ROLLED_UP = """
select {columns} string_agg(visitors, ''::bytea) from {relation} where {where} {groups}
"""
FROM_ROWS = """
{ctes}
select {names} string_agg(int4send(visitor_number), ''::bytea)
from (
    select distinct {columns} visitor_number from {relation} where {where}
) as visited
where visitor_number is not null
{groups}
"""


async def united_visitors(
    connection: AsyncConnection, sources: Sources, bound: Bound, groups: Sequence[Key] | None
) -> dict[Key, int]:
    """How many different visitors each of `groups` has; of all groups if there is no list."""
    found: dict[Key, NumberSet] = {}
    for source in sources.all:
        async for *key, packed in _sets(connection, sources, source, bound, groups):
            if packed is None:  # the total of no rows
                continue
            found.setdefault(tuple(key), NumberSet()).add(packed)
    return {key: len(members) for key, members in found.items()}


async def _sets(
    connection: AsyncConnection,
    sources: Sources,
    source: Source,
    bound: Bound,
    groups: Sequence[Key] | None,
) -> AsyncIterator[tuple[Any, ...]]:
    columns = dimension_columns(sources, source)
    names: list[sql.Composable] = [sql.Identifier(f"d{n}") for n in range(len(columns))]
    where = conjunction([*source.where, *_of_groups(sources, source, groups, bound)])
    if source.kind == "rollup":
        step = sql.SQL("date_trunc('month', {}::timestamp)").format(source.day)
        positions = [sql.Literal(number + 1) for number in range(len(columns))]
        query = sql.SQL(ROLLED_UP).format(
            columns=_followed(columns),
            relation=source.relation,
            where=where,
            groups=group_by([*positions, step]),
        )
    else:
        ctes: list[Cte] = []
        if source.kind == "live":
            ctes = live_ctes(sources, is_numbered=True)
        query = sql.SQL(FROM_ROWS).format(
            ctes=_with(ctes),
            names=_followed(names),
            columns=_followed(columns),
            relation=numbered_live(sources) if ctes else source.relation,
            where=where,
            groups=group_by(names),
        )
    async with connection.cursor() as cursor:
        async for row in cursor.stream(query, bound.values, binary=True):
            yield row


def _of_groups(
    sources: Sources, source: Source, groups: Sequence[Key] | None, bound: Bound
) -> list[sql.Composable]:
    """Conditions that hold for each of these groups, and for few others."""
    if groups is None:
        return []
    found: list[sql.Composable] = []
    for number, dimension in enumerate(sources.dimensions):
        values = {group[number] for group in groups}
        expression = source.expression(dimension)
        kind = sql.SQL("date[]" if dimension.is_time else "text[]")
        given = [value for value in values if value is not None]
        one_of = sql.SQL("{} = any({}::{})").format(expression, bound(given), kind)
        if None in values:
            one_of = sql.SQL("({} or {} is null)").format(one_of, expression)
        found.append(one_of)
    return found


def _followed(columns: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("{}, ").format(comma(columns)) if columns else sql.SQL("")


def _with(ctes: Sequence[Cte]) -> sql.Composable:
    if not ctes:
        return sql.SQL("")
    bodies = [sql.SQL("{} as materialized ({})").format(name, body) for name, body in ctes]
    return sql.SQL("with {}").format(comma(bodies))


def visitor_metrics(sources: Sources) -> list[str]:
    """The metrics that united sets are the number of."""
    return [metric.name for metric in sources.distinct if metric.column == VISITOR]
