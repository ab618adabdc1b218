"""A build that runs makes room for an erasure, which late events could otherwise hold up for good.

An erasure holds ERASURE_LOCK (shared) while it waits for BUILD_LOCK. The build looks every second,
stops what dbt does, and is tried again when the erasure is done.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from eventmill.core.database import ERASURE_LOCK, connect

EVERY_SECONDS = 1.0
AGAIN_AFTER_SECONDS = 5
MOST_TIMES = 100
IS_WANTED = """
select count(*) > 0 from pg_locks
where
    locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)
"""

log = logging.getLogger("eventmill.build")


@contextmanager
def giving_way() -> Iterator[None]:
    """Interrupt the block, as Ctrl-C does, when an erasure waits. Raises RetryRequested then.

    Only in a process's main thread: no other gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended, asked = threading.Event(), threading.Event()

    def watch() -> None:
        try:
            with connect(autocommit=True, application="eventmill build") as connection:
                while not ended.wait(EVERY_SECONDS):
                    if connection.execute(IS_WANTED, (ERASURE_LOCK,)).fetchone() == (True,):
                        asked.set()
                        os.kill(os.getpid(), signal.SIGINT)
                        return
        except psycopg.Error as error:  # the build meets the same
            log.warning("cannot look for erasures any more: %s", error)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        if not asked.is_set():
            raise
        raise dg.RetryRequested(MOST_TIMES, AGAIN_AFTER_SECONDS) from None
    finally:
        ended.set()
        watcher.join()
