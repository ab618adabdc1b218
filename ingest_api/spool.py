"""The spool: where accepted events wait on disk while the database cannot take them.

All worker processes of a home share one SQLite file. A thread of its own writes to it, because
writing waits for the disk. Asking whether events wait takes 12 µs, and needs no thread.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from eventmill.core.errors import Unavailable
from ingest_api.batch import Batch, decode
from ingest_api.spool_file import SpoolFile

log = logging.getLogger("eventmill.ingest")

FILE = "events.sqlite3"
LOCK = "drain.lock"
# After a failure, how long the spool counts as unable to take events unless it does.
FAILED_SECONDS = 10.0

Answer = TypeVar("Answer")


class SpoolUnavailable(Unavailable):
    """The spool cannot take or give anything now: it is full, or its disk is, or it is damaged."""


class Spool:
    """Of one process. Opened when first needed, and again after an error."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._thread = ThreadPoolExecutor(1, "spool")
        self._writing: SpoolFile | None = None
        self._reading: SpoolFile | None = None
        self._done_through = 0
        """Batches that are stored but could not be removed, since the disk is full."""
        self._failed_at = float("-inf")
        self._said = ""
        self.arrived = asyncio.Event()
        """Set when this process has put something in."""

    def is_empty(self) -> bool:
        """Whether nothing waits, from any process. An unreadable spool counts as empty."""
        try:
            self._reading = self._reading or self._open()
            return not self._reading.has_after(self._done_through)
        except (sqlite3.Error, OSError) as error:
            self._reading = None
            self._note(error)
            return True

    @property
    def can_take(self) -> bool:
        """Whether it works as far as is known."""
        return self.has_reserve and time.monotonic() - self._failed_at > FAILED_SECONDS

    @property
    def has_reserve(self) -> bool:
        """Whether there is space to put something in; if not, draining makes some."""
        return self._reading is None or self._reading.reserve.exists()

    async def append(self, batch: Batch) -> None:
        """Returns when `batch` is on the disk. Raises SpoolUnavailable."""
        body = batch.encode()
        await self.run(lambda file: file.append(body, len(batch.rows)))
        self._failed_at = float("-inf")
        self.arrived.set()

    async def first(self, events: int) -> tuple[int, list[Batch]]:
        """What came first, up to about `events` events, and its position for `remove`."""
        done = self._done_through
        found = await self.run(lambda file: file.first_after(done, events))
        return (found[-1][0] if found else done), [decode(body) for _, body in found]

    async def remove(self, through: int) -> None:
        """Forget what is stored. If the disk is too full even for that, it is only passed over."""
        self._done_through = through
        try:
            await self.run(lambda file: file.remove(through))
        except SpoolUnavailable:
            log.warning("cannot take stored events out of the spool: passing over them")

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """Whether this process may drain: inside the block no other one does."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        for file in (self._writing, self._reading):
            if file is not None:
                file.close()

    async def run(self, what: Callable[[SpoolFile], Answer]) -> Answer:
        """What `what` answers of the file, in the spool's thread. Raises SpoolUnavailable."""

        def run() -> Answer:
            self._writing = self._writing or self._open()
            return what(self._writing)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except (sqlite3.Error, OSError) as error:
            self._note(error)
            raise SpoolUnavailable("nowhere durable to write: send the events again") from error

    def _open(self) -> SpoolFile:
        return SpoolFile(self._folder / FILE, self._max_bytes)

    def _note(self, error: Exception) -> None:
        self._failed_at = time.monotonic()
        if str(error) != self._said:
            self._said = str(error)
            log.error("the spool %s does not work: %s", self._folder, error)
