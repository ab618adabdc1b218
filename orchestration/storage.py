"""Dagster's state in PostgreSQL, by connections that stay open.

dagster-postgres opens one for each statement, except in the web server: about 10 ms of CPU for each
event of a run and each look of a sensor.
"""

from collections.abc import Mapping
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

# Milliseconds of a statement, seconds of a connection, connections beside the one that stays.
STATEMENT_MS, RECYCLE_SECONDS, OVERFLOW = 60_000, 3_600, 20


class PooledStorage(DagsterPostgresStorage):
    """With a pool for runs, one for events and one for sensors and schedules."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        storages: tuple[Any, ...] = (
            self.run_storage, self.event_log_storage, self.schedule_storage,
        )  # fmt: skip
        for storage in storages:
            storage.optimize_for_webserver(STATEMENT_MS, RECYCLE_SECONDS, OVERFLOW)
            # Of a server that was started again, no connection is left.
            event.listen(storage._engine, "checkout", _require_alive)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "PooledStorage":
        return cls(
            pg_url_from_config(config_value),
            config_value["should_autocreate_tables"],
            inst_data=inst_data,
        )


def _require_alive(connection: Any, *_: object) -> None:
    """Raises DisconnectionError, on which SQLAlchemy opens another."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except connection.OperationalError as error:
        raise DisconnectionError from error
