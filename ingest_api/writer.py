"""Group commit: requests that wait at the same time share one transaction.

A transaction costs about the same for one event as for fifty (round trips, the wait for the disk),
so while one runs, whatever arrives is gathered for the next. One connection does it all: a second
one made the groups smaller and cost more than it brought (docs/decisions/0003-group-commit.md).
A submission is answered only after its commit.

If a group fails because of what is in it, it is halved until the bad row stands alone: no event
can fail its neighbours. If the database is away, everybody who waits is told so at once.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from eventmill.envelope import EventRow
from eventmill.errors import EventmillError, Unavailable
from ingest_api.metrics import Metrics
from ingest_api.partitions import Partitions, day_of
from ingest_api.store import SETTINGS, store

log = logging.getLogger("eventmill.ingest")

# A commit holds its locks and its memory for as long as it takes; 2,000 rows take about 50 ms.
GROUP_ROWS = 2_000
# What may wait: two to three seconds' work of ordinary rows, or 64 MB of large ones.
QUEUE_ROWS = 50_000
QUEUE_CHARACTERS = 64_000_000

CONNECTION: dict[str, Any] = {
    "application_name": "eventmill-ingest",
    "connect_timeout": 5,
    # A server that vanished without a word is noticed after 15 s.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# A statement that waits longer, for a lock say, is given up, and its senders are told to retry.
TIMEOUT: LiteralString = "set statement_timeout = '30s'"

# What a row itself can be guilty of. Anything else says something about the database.
ROW_ERRORS = (psycopg.DataError, psycopg.IntegrityError, orjson.JSONEncodeError)


@dataclass(frozen=True, slots=True)
class Refused:
    """The database does not take this row. Validation should have found it: worth a look."""

    reason: str


Outcome = bool | Refused
"""Of one row: True if it was new, False if its id was stored before, or why it was refused."""


@dataclass(slots=True)
class _Submission:
    rows: Sequence[EventRow]
    characters: int
    done: asyncio.Future[list[Outcome]]


class Writer:
    """Stores rows durably. `start` it inside a running event loop and `stop` it."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        self.partitions = Partitions()
        self._url = url
        self._metrics = metrics
        self._waiting: deque[_Submission] = deque()
        self._waiting_rows = 0
        self._waiting_characters = 0
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        metrics.waiting.set_function(lambda: self._waiting_rows)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Commit what waits, then close the connection."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def write(self, rows: Sequence[EventRow]) -> list[Outcome]:
        """What became of each row, once it is durable.

        Raises Unavailable if the database is away or too much is waiting; then some rows may
        still have been stored, and sending them again is safe.
        """
        if not rows:
            return []
        if self._stopping:
            raise Unavailable("the service is stopping; send the events again")
        characters = sum([_characters(row) for row in rows])
        if (
            self._waiting_rows + len(rows) > QUEUE_ROWS
            or self._waiting_characters + characters > QUEUE_CHARACTERS
        ):
            raise Unavailable("more events are waiting than can be stored in time")
        done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Submission(rows, characters, done))
        self._waiting_rows += len(rows)
        self._waiting_characters += characters
        self._arrived.set()
        return await done

    async def _run(self) -> None:
        connection: psycopg.AsyncConnection | None = None
        while True:
            await self._arrived.wait()
            group = self._take(GROUP_ROWS)
            if not group:
                if self._stopping:
                    break
                self._arrived.clear()
                continue
            rows = [row for submission in group for row in submission.rows]
            try:
                connection, outcomes = await self._commit(connection, rows)
            except Exception as error:  # noqa: BLE001  whoever waits must hear of it
                if connection is not None:
                    await connection.close()
                    connection = None
                self._fail(group, error)
            else:
                _answer(group, outcomes)
        if connection is not None:
            await connection.close()

    def _take(self, limit: int | None) -> list[_Submission]:
        """The submissions that share the next commit: up to `limit` rows, and at least one."""
        group: list[_Submission] = []
        rows = 0
        while self._waiting:
            if group and limit is not None and rows + len(self._waiting[0].rows) > limit:
                break
            submission = self._waiting.popleft()
            rows += len(submission.rows)
            self._waiting_characters -= submission.characters
            group.append(submission)
        self._waiting_rows -= rows
        return group

    async def _commit(
        self, connection: psycopg.AsyncConnection | None, rows: list[EventRow]
    ) -> tuple[psycopg.AsyncConnection, list[Outcome]]:
        """Store `rows`, on a new connection if the old one turns out to be lost.

        Trying again after a lost connection stores nothing twice: if the first try did commit, its
        ids are found, and their events are reported as duplicates.
        """
        started = time.perf_counter()
        is_new = connection is None
        connection = connection or await self._connect()
        try:
            outcomes = await self._store(connection, rows)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if is_new or not connection.closed:
                raise
            log.warning("lost a connection to the database; trying again on a new one")
            connection = await self._connect()
            outcomes = await self._store(connection, rows)
        self._metrics.commits.observe(time.perf_counter() - started)
        self._metrics.group_rows.observe(len(rows))
        return connection, outcomes

    async def _store(
        self, connection: psycopg.AsyncConnection, rows: list[EventRow]
    ) -> list[Outcome]:
        """One commit if all rows are good, else as many as it takes to find the bad ones."""
        days = {day_of(row) for row in rows}
        try:
            await self.partitions.ensure(connection, days)
            try:
                return list(await store(connection, rows))
            except errors.CheckViolation:
                # A partition that was known has been dropped since.
                self.partitions.forget(days)
                await self.partitions.ensure(connection, days)
                return list(await store(connection, rows))
        except ROW_ERRORS as error:
            if len(rows) == 1:
                log.warning("the database refused a row: %s", type(error).__name__)
                return [Refused(_reason(error))]
        middle = len(rows) // 2
        first = await self._store(connection, rows[:middle])
        return first + await self._store(connection, rows[middle:])

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(
            make_conninfo(self._url, **CONNECTION), autocommit=True
        )
        await connection.execute(TIMEOUT)
        await connection.execute(SETTINGS)
        return connection

    def _fail(self, group: list[_Submission], error: Exception) -> None:
        is_away = isinstance(error, psycopg.Error)
        if is_away:
            log.warning("cannot store events: %s", _reason(error))
            # Whoever came meanwhile would wait only to be told the same.
            group += self._take(None)
        else:
            log.error("cannot store events", exc_info=error)
        for submission in group:
            if not submission.done.done():
                submission.done.set_exception(
                    Unavailable("the database cannot store events now; send them again")
                    if is_away
                    else EventmillError("the events could not be stored")
                )


def _answer(group: list[_Submission], outcomes: list[Outcome]) -> None:
    start = 0
    for submission in group:
        end = start + len(submission.rows)
        if not submission.done.done():
            submission.done.set_result(outcomes[start:end])
        start = end


def _characters(row: EventRow) -> int:
    """About how much memory a row takes: everything that may be long, and the rest roughly."""
    return 500 + len(row.props_json) + len(row.page_url) + len(row.landing_page) + len(row.referrer)


def _reason(error: Exception) -> str:
    """The first line of what the database said. It may quote a value, so it goes to its sender."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
