"""The thread of each dashboards process that makes exports, one at a time."""

import logging
import threading
import time

import psycopg

from dashboards_api.exports import queue
from dashboards_api.exports.heartbeat import APPLICATION, Stopping
from dashboards_api.exports.making import make
from dashboards_api.exports.queue import ClaimLost, Job
from dashboards_api.exports.sweeping import sweep
from eventmill.core.database import connect
from eventmill.core.errors import ConfigurationError
from eventmill.warehouse import StorageError, open_root

log = logging.getLogger(__name__)

# A new export of this process is begun at once; this is for those of others that ended.
POLL_SECONDS = 5
SWEEP_SECONDS = 600
# A file that is being written out cannot be interrupted. Then the process ends without it, and who
# takes the export over has to wait until it counts as abandoned.
STOP_SECONDS = 10

INTERNAL = "something went wrong on our side; the service's log says what"

# The database is away, or says no: tried again.
_DATABASE = (psycopg.Error, ConfigurationError)


class Worker:
    """Makes exports until it is stopped. It needs no database to start."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new to make."""
        self._wake.set()

    def stop(self) -> None:
        """End, and leave what is unfinished to others. Blocks, for STOP_SECONDS at most."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        swept = float("-inf")
        said = ""
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if time.monotonic() - swept > SWEEP_SECONDS:
                    sweep()
                    swept = time.monotonic()
                while run_one(self._stopping):
                    pass
                said = ""
            except _DATABASE as error:
                # Once, and not every five seconds of a night without database.
                if str(error) != said:
                    said = str(error)
                    log.warning("exports wait for the database: %s", said)
            except Exception:
                log.exception("the thread of exports goes on after")
            self._wake.wait(POLL_SECONDS)


def run_one(stopping: threading.Event) -> bool:
    """Make the oldest export that nobody makes; False if there is none or we are to stop."""
    if stopping.is_set():
        return False
    with connect(autocommit=True, application=APPLICATION) as connection:
        job = queue.claim(connection)
    if job is None:
        return False
    try:
        make(job, stopping)
    except ClaimLost:
        log.info("export %s is not ours any more", job.export_id)
    except Stopping:
        with connect(autocommit=True, application=APPLICATION) as connection:
            queue.release(connection, job)
    except StorageError as error:
        _try_again(job, str(error))
    except _DATABASE as error:
        _try_again(job, f"the database: {str(error).strip().splitlines()[0]}")
    except Exception:
        log.exception("export %s failed", job.export_id)
        _fail(job, INTERNAL)
    return True


def _try_again(job: Job, error: str) -> None:
    log.warning("export %s: %s", job.export_id, error)
    with connect(autocommit=True, application=APPLICATION) as connection:
        again = queue.retry(connection, job, error)
    if not again:
        _fail(job, error)


def _fail(job: Job, error: str) -> None:
    with connect(autocommit=True, application=APPLICATION) as connection:
        ours = queue.fail(connection, job, error)
    if ours:
        try:
            open_root(job.storage, of="exports").clear(job.owner)
        except StorageError as problem:  # the next sweep removes them
            log.warning("export %s: %s", job.export_id, problem)
