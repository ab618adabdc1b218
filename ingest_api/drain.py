"""Moves events from the spool into the database, in order; one process at a time does it."""

import asyncio
import logging
import time
from contextlib import suppress

import psycopg

from ingest_api.batch import Batch, merged
from ingest_api.commits import Commits, DatabaseAway, Unstorable
from ingest_api.rejected import row_as_rejected
from ingest_api.spool import Spool, SpoolUnavailable
from ingest_api.spool_file import SpoolFile
from ingest_api.visitors import VisitorSalts

log = logging.getLogger("eventmill.ingest")

EVENTS = 2_000
# A server that has just recovered is slow; nobody waits for this commit.
COMMIT_SECONDS = 30.0
# How soon other processes' batches, and a database that is back, are noticed.
LOOK_SECONDS = 1.0


class Drain:
    """Runs beside the writer of each process."""

    def __init__(self, spool: Spool, commits: Commits, salts: VisitorSalts) -> None:
        self._spool = spool
        self._commits = commits
        self._salts = salts
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop` is called. What waits then stays on disk."""
        said = ""
        while not self._stopping.is_set():
            try:
                if self._has_work():
                    await self.once()
                said = ""
            except (DatabaseAway, SpoolUnavailable, psycopg.Error, TimeoutError) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("events wait in the spool: %s", said)
            except Exception:
                log.exception("cannot drain the spool")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    def _has_work(self) -> bool:
        is_empty = self._spool.is_empty()
        return not is_empty or self._salts.has_local or not self._spool.has_reserve

    async def once(self) -> int:
        """Store what waits; how many events that were. 0 if another process is at it.

        Raises DatabaseAway, and SpoolUnavailable.
        """
        with self._spool.draining() as is_ours:
            if not is_ours:
                return 0
            await self._salts.hand_over()
            started, events = time.monotonic(), 0
            while not self._stopping.is_set():
                through, batches = await self._spool.first(EVENTS)
                if not batches:
                    await self._spool.run(SpoolFile.shrink)
                    break
                batch = merged(batches)
                await self._store(batch)
                await self._spool.remove(through)
                events += len(batch.rows)
            if events:
                seconds = time.monotonic() - started
                log.info("brought %d events from the spool in %.1f s", events, seconds)
            return events

    async def _store(self, batch: Batch) -> None:
        outcomes = await self._commits.commit(batch, COMMIT_SECONDS)
        unstorable = [
            row_as_rejected(row, outcome.reason)
            for row, outcome in zip(batch.rows, outcomes, strict=True)
            if isinstance(outcome, Unstorable)
        ]
        if unstorable:
            log.error("the database did not take %d spooled events, now rejected", len(unstorable))
            await self._commits.commit(Batch(rejected=unstorable), COMMIT_SECONDS)

    def stop(self) -> None:
        self._stopping.set()
