"""SQL of the explanations."""

from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eventmill.core.days import DayWindow
from orchestration.explained.entity import METRICS, Entity

Row = dict[str, Any]

RECEIPT = "select * from marts.daily_builds where date = %s"

# Of all builds of a day, also of those that failed: they replaced rows too.
RECEIPTS = """
select
    receipts.*,
    builds.snapshot::text as snapshot,
    builds.run_id
from marts.build_receipts as receipts
left join enrichment.builds as builds on receipts.build_id = builds.build_id
where receipts.date = %s
order by receipts.built_at
"""

BUILT_ROW = """
select
    *,
    (metadata ->> 'bot_events')::bigint as bot_events
from marts.daily_metrics
where date = {date} and {entity}
"""

CHANGES = """
select * from marts.metric_changes where date = {date} and {entity} order by replaced_at
"""

LIVE = """
select
    coalesce(sum(views), 0)::bigint as views,
    coalesce(sum(clicks), 0)::bigint as clicks,
    coalesce(sum(conversions), 0)::bigint as conversions,
    coalesce(sum(revenue_cents), 0)::bigint as revenue_cents,
    count(distinct visitor_id) as unique_visitors,
    coalesce(sum(engagement_ms), 0)::bigint as engagement_time
from intermediate.int_events
where {events} and is_counted
"""

BY_TYPE = """
select event_type, count(*) as events
from intermediate.int_events
where {events} and is_counted and {metric}
group by event_type
order by events desc, event_type
"""

BOTS = """
select count(*) as events, count(distinct user_agent) as user_agents
from intermediate.int_events
where {events} and not is_counted
"""

LISTING = """
select event_id, occurred_at, received_at, event_type, visitor_id
from intermediate.int_events
where {events} and is_counted and {metric}
order by occurred_at, event_id
"""

DEFINITIONS = """
select metric, description, sql_expression, definition
from marts.metric_definitions
where metric = any(%s)
"""

WINDOW = "occurred_at >= {start} and occurred_at < {end} and {entity}"


def scalar(connection: psycopg.Connection, query: LiteralString) -> Any:
    """The only value of a query's only row."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def rows(connection: psycopg.Connection, query: Any, *parameters: Any) -> list[Row]:
    """Rows as dicts by column."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters or None).fetchall()


def receipt(connection: psycopg.Connection, day: date) -> Row | None:
    """The receipt that counts, or None: the day is not built."""
    return next(iter(rows(connection, RECEIPT, day)), None)


def receipts(connection: psycopg.Connection, day: date) -> list[Row]:
    """Every receipt of the day, oldest first."""
    return rows(connection, RECEIPTS, day)


def built_row(connection: psycopg.Connection, day: date, entity: Entity) -> Row | None:
    """The row of daily_metrics, or None if the entity had no events."""
    return next(iter(rows(connection, _of_rows(BUILT_ROW, day, entity))), None)


def changes(connection: psycopg.Connection, day: date, entity: Entity) -> list[Row]:
    """What the row was before each rebuild that changed it, oldest first."""
    return rows(connection, _of_rows(CHANGES, day, entity))


def live_numbers(connection: psycopg.Connection, day: date, entity: Entity) -> Row:
    """The numbers as counted from events now."""
    [found] = rows(connection, _of_events(LIVE, day, entity))
    return found


def definitions(connection: psycopg.Connection, names: list[str]) -> dict[str, Row]:
    """What each metric means now."""
    found = rows(connection, DEFINITIONS, names)
    return {row.pop("metric"): row for row in found}


def by_type(
    connection: psycopg.Connection, day: date, entity: Entity, metric: str | None
) -> dict[str, int]:
    """Events that make the number, by type."""
    found = rows(connection, _of_events(BY_TYPE, day, entity, metric))
    return {row["event_type"]: row["events"] for row in found}


def bots(connection: psycopg.Connection, day: date, entity: Entity) -> Row:
    """Events that were left out, and how many user agents sent them."""
    [found] = rows(connection, _of_events(BOTS, day, entity))
    return found


def first_events(
    connection: psycopg.Connection, day: date, entity: Entity, metric: str | None, shown: int
) -> list[Row]:
    """The first events that make the number."""
    query = sql.SQL("{} limit {}").format(listing(day, entity, metric), sql.Literal(shown))
    return rows(connection, query)


def listing(day: date, entity: Entity, metric: str | None) -> sql.Composable:
    """A query for all of them."""
    return _of_events(LISTING, day, entity, metric)


def window_of(day: date, entity: Entity) -> sql.Composable:
    """Condition on the events of a day and entity."""
    days = DayWindow(day, day)
    return sql.SQL(WINDOW).format(
        start=sql.Literal(days.start.isoformat()),
        end=sql.Literal(days.end.isoformat()),
        entity=entity.of_events(),
    )


def _of_rows(query: LiteralString, day: date, entity: Entity) -> sql.Composable:
    return sql.SQL(query).format(date=sql.Literal(day), entity=entity.of_rows())


def _of_events(
    query: LiteralString, day: date, entity: Entity, metric: str | None = None
) -> sql.Composable:
    has_part: Any = METRICS[metric] if metric else "true"
    return sql.SQL(query).format(events=window_of(day, entity), metric=sql.SQL(has_part))
