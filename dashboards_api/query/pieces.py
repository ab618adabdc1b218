"""Pieces of SQL that a question's statements share."""

from collections.abc import Iterable, Sequence

from psycopg import sql

from dashboards_api.query.sources import Source, Sources

# Live visitors under the numbers that builds gave them; whom no build has met gets one past all.
NUMBERED = """
select
    visitor_id,
    coalesce(
        visitor_number,
        (select coalesce(max(visitors.visitor_number), 0) from {visitors} as visitors)
        + row_number() over (partition by visitor_number is null)
    )::integer as visitor_number
from (
    select
        seen.visitor_id,
        (
            select visitors.visitor_number from {visitors} as visitors
            where visitors.visitor_id = seen.visitor_id
        ) as visitor_number
    from (select distinct visitor_id from {live} where {where}) as seen
    offset 0
) as people
"""

Cte = tuple[sql.Composable, sql.Composable]


def comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def conjunction(parts: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL(" and ").join(parts) if parts else sql.SQL("true")


def group_by(columns: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("group by {}").format(comma(columns)) if columns else sql.SQL("").format()


def dimension_columns(sources: Sources, source: Source) -> list[sql.Composable]:
    return [
        sql.SQL("{} as {}").format(source.expression(dimension), sql.Identifier(f"d{number}"))
        for number, dimension in enumerate(sources.dimensions)
    ]


def live_name(sources: Sources) -> sql.Identifier:
    return sql.Identifier(f"live_{sources.part.dataset.name}")


def numbered_name(sources: Sources) -> sql.Identifier:
    return sql.Identifier(f"numbered_{sources.part.dataset.name}")


def live_ctes(sources: Sources, *, is_numbered: bool) -> list[Cte]:
    """The live events, and the numbers of their visitors."""
    if sources.live is None or sources.live_rows is None:
        return []
    found: list[Cte] = [(live_name(sources), sources.live_rows)]
    visitors = sources.part.dataset.visitors
    if is_numbered and visitors:
        body = sql.SQL(NUMBERED).format(
            visitors=visitors.identifier,
            live=sources.live.relation,
            where=conjunction(sources.live.where),
        )
        found.append((numbered_name(sources), body))
    return found


def numbered_live(sources: Sources) -> sql.Composable:
    """Live events with their visitors' numbers."""
    return sql.SQL("{} inner join {} using (visitor_id)").format(
        live_name(sources), numbered_name(sources)
    )
