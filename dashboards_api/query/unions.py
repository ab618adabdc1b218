"""Counts the different visitors of a group over several days, by uniting the days' sets.

A page of rows needs only the sets of its own groups.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

from psycopg import AsyncConnection, sql

from dashboards_api.database import conjunction, fill, group_by
from dashboards_api.metrics.sets import NumberSet
from dashboards_api.query.question import Condition
from dashboards_api.query.sources import Plan, Source, Sources

Key = tuple[str | date | None, ...]

# One row a group and month, so that a range of years is never in memory as a whole.
ROLLED_UP = "select {} from {} where {} {}"
FROM_ROWS = """
{}
select {}
from (select distinct {} from {} where {}) as visited
where visitor_number is not null
{}
"""


async def united_visitors(
    connection: AsyncConnection, plan: Plan, sources: Sources, groups: Sequence[Key] | None
) -> dict[Key, int]:
    """How many different visitors each of `groups` has; of all groups if there is no list."""
    found: dict[Key, NumberSet] = {}
    for source in sources.all:
        async for *key, packed in _sets(connection, plan, sources, source, groups):
            if packed is None:  # the total of no rows
                continue
            found.setdefault(tuple(key), NumberSet()).add(packed)
    return {key: len(members) for key, members in found.items()}


async def _sets(
    connection: AsyncConnection,
    plan: Plan,
    sources: Sources,
    source: Source,
    groups: Sequence[Key] | None,
) -> AsyncIterator[tuple[Any, ...]]:
    where = [*source.where]
    columns = [*map(source.expression, sources.dimensions)]
    positions = [sql.Literal(number + 1) for number in range(len(columns))]
    if groups is not None:
        # Conditions that hold for each of these groups, and for few others.
        for number, dimension in enumerate(sources.dimensions):
            values = tuple({group[number] for group in groups})
            where.append(plan.condition(columns[number], Condition(dimension.name, "in", values)))
    if source.kind == "rollup":
        query = fill(
            ROLLED_UP,
            [*columns, sql.SQL("string_agg(visitors, ''::bytea)")],
            source.relation,
            conjunction(where),
            group_by([*positions, fill("date_trunc('month', {}::timestamp)", source.day)]),
        )
    else:
        names = plan.question.columns(plan.question.dimensions)
        named = [fill("{} as {}", *both) for both in zip(columns, names, strict=True)]
        ctes = sources.ctes(is_numbered=True) if source.kind == "live" else []
        query = fill(
            FROM_ROWS,
            fill("with {}", ctes) if ctes else sql.SQL(""),
            [*names, sql.SQL("string_agg(int4send(visitor_number), ''::bytea)")],
            [*named, "visitor_number"],
            sources.numbered_live if ctes else source.relation,
            conjunction(where),
            group_by(positions),
        )
    async with connection.cursor() as cursor:
        async for row in cursor.stream(query, plan.values, binary=True):
            yield row
