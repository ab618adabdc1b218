"""SQL fragments that the statements of a question share."""

from collections.abc import Iterable, Sequence

from psycopg import sql

from dashboards_api.metrics.numbering import numbered
from dashboards_api.query.sources import Source, Sources

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
        people = sql.SQL("{} where {}").format(
            sources.live.relation, conjunction(sources.live.where)
        )
        body = numbered(people, visitors=visitors.identifier)
        found.append((numbered_name(sources), body))
    return found


def numbered_live(sources: Sources) -> sql.Composable:
    """Live events with their visitors' numbers."""
    return sql.SQL("{} inner join {} using (visitor_id)").format(
        live_name(sources), numbered_name(sources)
    )
