"""Records that an export is still being made, and notices when it should stop."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Self

import psycopg

from dashboards_api.exports import queue
from dashboards_api.exports.queue import ABANDONED_SECONDS, HEARTBEAT_SECONDS, ClaimLost, Job
from eventmill.core.database import connect
from eventmill.core.errors import ConfigurationError

log = logging.getLogger(__name__)

APPLICATION = "eventmill-exports"


class Stopping(Exception):
    """The process is asked to end."""


class Heartbeat:
    """A thread with its own connection, since the other one waits for the events of a day."""

    def __init__(self, job: Job, stopping: threading.Event) -> None:
        self._job = job
        self._stopping = stopping
        self._over = threading.Event()
        self._is_lost = False
        self._thread = threading.Thread(target=self._run, name="export-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise ClaimLost or Stopping if there is no reason to go on."""
        if self._is_lost:
            raise ClaimLost
        if self._stopping.is_set():
            raise Stopping

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks, as long as there is a reason to go on."""
        for chunk in chunks:
            self.check()
            yield chunk

    def _run(self) -> None:
        last = time.monotonic()
        while not self._over.wait(HEARTBEAT_SECONDS):
            try:
                with connect(autocommit=True, application=APPLICATION) as connection:
                    queue.beat(connection, self._job)
                last = time.monotonic()
            except ClaimLost:
                self._is_lost = True
                return
            except (psycopg.Error, ConfigurationError) as error:
                log.warning("export %s: no heartbeat: %s", self._job.export_id, error)
                if time.monotonic() - last > ABANDONED_SECONDS:
                    self._is_lost = True  # another process may have taken it over
                    return
