"""Commits batches to PostgreSQL over one connection, within a time limit.

If a batch fails because of a row in it, the batch is halved until the bad row is alone. So no event
can make others fail. Any other failure is the database's.
"""

import logging
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from ingest_api.batch import Batch
from ingest_api.collisions import Met
from ingest_api.metrics import Metrics
from ingest_api.partitions import Partitions, day_of
from ingest_api.patience import within
from ingest_api.store import SETTINGS as store_settings
from ingest_api.store import store

log = logging.getLogger("eventmill.ingest")

CONNECTION: dict[str, Any] = {
    "application_name": "eventmill-ingest",
    "connect_timeout": 2,
    # A server that vanished without a word is noticed after 15 s.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# A server whose client has gone must not hold locks for a commit that nobody waits for.
SETTINGS: LiteralString = (
    "set statement_timeout = '30s'; set client_connection_check_interval = '2s';"
    " set timezone = 'UTC'; " + store_settings
)

# Errors that a row causes. Any other error is the database's.
ROW_ERRORS = (psycopg.DataError, psycopg.IntegrityError, ValueError)


@dataclass(frozen=True, slots=True)
class Unstorable:
    """The database does not take this row. Validation should have found it: worth a look."""

    reason: str


Outcome = bool | Met | Unstorable | None
"""Of one row: True if it was new, what it met if its id was stored before, None if its person was
erased since it was received and nothing was stored, or why it cannot be stored."""


class DatabaseAway(Exception):
    """The batch was not stored, or nobody knows. Storing it again later is safe."""


class Commits:
    """One connection, made when needed and replaced when lost. Not for use by two at once."""

    def __init__(self, url: str, partitions: Partitions, metrics: Metrics) -> None:
        self._url = url
        self._partitions = partitions
        self._metrics = metrics
        self._session: _Session | None = None

    async def commit(self, batch: Batch, seconds: float) -> list[Outcome]:
        """What became of each event row of `batch`, once it is durable.

        Raises DatabaseAway after `seconds`, or as soon as the database fails: then some of it may
        have been stored, or may still be.
        """
        started = time.perf_counter()
        session = self._session = self._session or _Session(self._url, self._partitions)
        try:
            outcomes = await within(seconds, session.commit(batch))
        except TimeoutError as error:
            self._session = None
            session.cut()
            raise DatabaseAway(f"the database did not commit within {seconds:g} s") from error
        except Exception as error:
            self._session = None
            await session.close()
            if isinstance(error, psycopg.Error):
                raise DatabaseAway(reason(error)) from error
            raise
        self._metrics.commits.observe(time.perf_counter() - started)
        self._metrics.group_rows.observe(len(batch.rows))
        return outcomes

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class _Session:
    """The connection, and what is done on it."""

    def __init__(self, url: str, partitions: Partitions) -> None:
        self._url = url
        self._partitions = partitions
        self._connection: psycopg.AsyncConnection | None = None
        self._is_cut = False

    async def commit(self, batch: Batch) -> list[Outcome]:
        """Store `batch`, on a new connection if the old one turns out to be lost.

        Trying again after a lost connection stores nothing twice: if the first try did commit, its
        ids are found, and their events are reported as duplicates.
        """
        is_new = self._connection is None
        connection = self._connection or await self._connect()
        try:
            return await self._store(connection, batch)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if is_new or not connection.closed or self._is_cut:
                raise
            log.warning("lost a connection to the database; trying again on a new one")
            return await self._store(await self._connect(), batch)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def cut(self) -> None:
        """End whatever is going on, whether or not the server answers."""
        self._is_cut = True
        if self._connection is None or self._connection.closed:
            return
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = self._connection = await psycopg.AsyncConnection.connect(
            make_conninfo(self._url, **CONNECTION), autocommit=True
        )
        if self._is_cut:
            await connection.close()
        await connection.execute(SETTINGS)
        return connection

    async def _store(self, connection: psycopg.AsyncConnection, batch: Batch) -> list[Outcome]:
        """One commit if all of it is good, else as many as it takes to find what is bad."""
        days = {day_of(row) for row in batch.rows}
        try:
            await self._partitions.ensure(connection, days)
            try:
                return list(await store(connection, batch))
            except errors.CheckViolation:
                # A partition that was known has been dropped since.
                self._partitions.forget(days)
                await self._partitions.ensure(connection, days)
                return list(await store(connection, batch))
        except ROW_ERRORS as error:
            if len(batch) == 1:
                log.warning("the database did not take a row: %s", type(error).__name__)
                return [Unstorable(reason(error))] if batch.rows else []
        first, second = batch.halves()
        outcomes = await self._store(connection, first)
        return outcomes + await self._store(connection, second)


def reason(error: Exception) -> str:
    """The first line of what the database said. It may quote a value, so it goes to its sender."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
