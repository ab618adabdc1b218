"""Whose number is asked about, and rows of the database for it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eventmill.core.days import DayWindow

Row = dict[str, Any]
# Number → what an event must be, in int_events, to have part in it.
METRICS: dict[str, LiteralString] = {
    "views": "views > 0",
    "clicks": "clicks > 0",
    "conversions": "conversions > 0",
    "revenue_cents": "revenue_cents > 0",
    "unique_visitors": "true",
    "engagement_time": "engagement_ms > 0",
}
ENTITY_IDS = ("project_id", "ip_asset_id", "license_id")


@dataclass(frozen=True, slots=True)
class Question:
    """A day's numbers of an entity: `ids` are those of its row in daily_metrics, the others null.

    `metric` limits it to one number.
    """

    connection: psycopg.Connection
    day: date
    ids: dict[str, str] = field(default_factory=dict)
    metric: str | None = None

    def sql(self, query: LiteralString, **values: object) -> sql.Composed:
        """`query` with {date}, {of_row}, {events} and {metric} of the question, and `values`."""
        window = DayWindow(self.day, self.day)
        named = [_equals(name, value) for name, value in self.ids.items()]
        nulls = [
            sql.SQL("{} is null").format(sql.Identifier(name))
            for name in ENTITY_IDS
            if name not in self.ids
        ]
        bounds = sql.SQL("occurred_at >= {} and occurred_at < {}").format(
            sql.Literal(window.start.isoformat()), sql.Literal(window.end.isoformat())
        )
        return sql.SQL(query).format(
            date=sql.Literal(self.day),
            of_row=sql.SQL(" and ").join([*named, *nulls]),
            events=sql.SQL(" and ").join([bounds, *named]),
            metric=sql.SQL(METRICS[self.metric] if self.metric else "true"),
            **{name: sql.Literal(value) for name, value in values.items()},
        )

    def rows(self, query: LiteralString, **values: object) -> list[Row]:
        """Rows of the query as dicts by column."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(self.sql(query, **values)).fetchall()


def _equals(name: str, value: str) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
