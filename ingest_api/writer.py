"""Group commit: requests that wait at the same time share one transaction.

A transaction costs about the same for one event as for fifty (round trips, the wait for the disk).
So while one transaction runs, requests that arrive are gathered for the next. There is one
connection: a second one made the groups smaller and the service slower
(docs/decisions/0003-group-commit.md). A request is answered only when its events are durable.

If the database is away or slow, a group goes to the spool, and so does every later one until the
spool is empty again (docs/decisions/0006-spool.md).
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from eventmill.core.errors import EventmillError, Unavailable
from ingest_api.batch import Batch, merged
from ingest_api.commits import Commits, DatabaseAway, Outcome
from ingest_api.metrics import Metrics
from ingest_api.spool import Spool, SpoolUnavailable

log = logging.getLogger("eventmill.ingest")

# A commit holds its locks and its memory for as long as it takes; 2,000 rows take about 50 ms.
GROUP_ROWS = 2_000
# What may wait: two to three seconds' work of ordinary rows, or 64 MB of large ones.
QUEUE_ROWS = 50_000
QUEUE_CHARACTERS = 64_000_000
# A request that has waited longer than this is stored in the spool instead.
COMMIT_SECONDS = 5.0
# The same for a command line, which has no spool.
PATIENT_SECONDS = 60.0


@dataclass(slots=True)
class _Submission:
    batch: Batch
    characters: int
    done: asyncio.Future[list[Outcome]]


class Writer:
    """Makes batches durable. `start` it inside a running event loop and `stop` it."""

    def __init__(self, commits: Commits, spool: Spool | None, metrics: Metrics) -> None:
        self._commits = commits
        self._spool = spool
        self._metrics = metrics
        self._waiting: deque[_Submission] = deque()
        self._waiting_rows = 0
        self._waiting_characters = 0
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._said = ""
        """What the log last said of the database, so that it is not said at each attempt."""
        metrics.count_waiting = lambda: self._waiting_rows

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Make durable what waits, then close the connection."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def write(self, batch: Batch) -> list[Outcome]:
        """What became of each event row, once all is durable. A row in the spool counts as new.

        Raises Unavailable if there is nowhere durable to write; then some of it may still have
        been stored, and sending it again is safe.
        """
        if not len(batch):
            return []
        if self._stopping:
            raise Unavailable("the service is stopping; send the events again")
        characters = batch.characters()
        if (
            self._waiting_rows + len(batch) > QUEUE_ROWS
            or self._waiting_characters + characters > QUEUE_CHARACTERS
        ):
            if await self._to_spool(batch):
                return [True] * len(batch.rows)
            raise Unavailable("more events are waiting than can be stored in time")
        done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Submission(batch, characters, done))
        self._waiting_rows += len(batch)
        self._waiting_characters += characters
        self._arrived.set()
        return await done

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._take(GROUP_ROWS)
            if not group:
                if self._stopping:
                    break
                self._arrived.clear()
                continue
            try:
                await self._write(group)
            except Exception as error:  # noqa: BLE001  whoever waits must hear of it
                _fail(group, error)
        await self._commits.close()

    async def _write(self, group: list[_Submission]) -> None:
        batch = merged([submission.batch for submission in group])
        is_behind = self._spool is not None and not self._spool.is_empty()
        if is_behind and await self._to_spool(batch):
            _answer(group, [True] * len(batch.rows))
            return
        seconds = COMMIT_SECONDS if self._spool is not None else PATIENT_SECONDS
        try:
            outcomes = await self._commits.commit(batch, seconds)
        except DatabaseAway as error:
            if str(error) != self._said:
                self._said = str(error)
                log.warning("cannot store events: %s", error)
            # Whoever came meanwhile would wait only for the same.
            group += self._take(None)
            batch = merged([submission.batch for submission in group])
            if is_behind or not await self._to_spool(batch):
                raise Unavailable("nowhere durable to write now; send the events again") from None
            outcomes = [True] * len(batch.rows)
        else:
            self._said = ""
        _answer(group, outcomes)

    async def _to_spool(self, batch: Batch) -> bool:
        """Whether the spool took it."""
        if self._spool is None:
            return False
        try:
            await self._spool.append(batch)
        except SpoolUnavailable:
            return False
        self._metrics.spooled.inc(len(batch.rows))
        return True

    def _take(self, limit: int | None) -> list[_Submission]:
        """The submissions that share the next commit: up to `limit` rows, and at least one."""
        group: list[_Submission] = []
        rows = 0
        while self._waiting:
            if group and limit is not None and rows + len(self._waiting[0].batch) > limit:
                break
            submission = self._waiting.popleft()
            rows += len(submission.batch)
            self._waiting_characters -= submission.characters
            group.append(submission)
        self._waiting_rows -= rows
        return group


def _answer(group: list[_Submission], outcomes: list[Outcome]) -> None:
    start = 0
    for submission in group:
        end = start + len(submission.batch.rows)
        if not submission.done.done():
            submission.done.set_result(outcomes[start:end])
        start = end


def _fail(group: list[_Submission], error: Exception) -> None:
    if not isinstance(error, Unavailable):
        log.error("cannot store events", exc_info=error)
        error = EventmillError("the events could not be stored")
    for submission in group:
        if not submission.done.done():
            submission.done.set_exception(error)
