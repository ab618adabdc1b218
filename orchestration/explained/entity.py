"""Whose number it is, as conditions on rows of the marts and on events."""

from dataclasses import asdict, dataclass

from psycopg import sql

# Number → what an event must be, in int_events, to have part in it.
METRICS = {
    "views": "views > 0",
    "clicks": "clicks > 0",
    "conversions": "conversions > 0",
    "revenue_cents": "revenue_cents > 0",
    "unique_visitors": "true",
    "engagement_time": "engagement_ms > 0",
}


@dataclass(frozen=True, slots=True)
class Entity:
    """The ids of a row of daily_metrics: all null is the whole platform."""

    project_id: str | None = None
    ip_asset_id: str | None = None
    license_id: str | None = None

    def ids(self) -> dict[str, str]:
        """The ids that are not null."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def of_rows(self) -> sql.Composable:
        """Condition on rows that are of exactly this entity."""
        return sql.SQL(" and ").join(
            sql.SQL("{} is null").format(sql.Identifier(name))
            if value is None
            else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in asdict(self).items()
        )

    def of_events(self) -> sql.Composable:
        """Condition on the events that name this entity."""
        return sql.SQL(" and ").join(
            [
                sql.SQL("true"),
                *(
                    sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                    for name, value in self.ids().items()
                ),
            ]
        )
