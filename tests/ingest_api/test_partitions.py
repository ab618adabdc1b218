"""Daily partitions: each made once, whoever asks for it at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg

from eventmill.core.database import connect
from tests.support import scalar, wait_until

ENSURE = "select raw.ensure_partition(%s)"
DAYS = [date(2016, 1, 1) + timedelta(days=number) for number in range(100)]
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


def test_whoever_waited_for_the_same_day_finds_it_made(
    database: str, connection: psycopg.Connection
) -> None:
    with (
        connect(database) as first,
        connect(database, autocommit=True) as second,
        ThreadPoolExecutor() as threads,
    ):
        assert scalar(first, ENSURE, DAYS[0]) is True
        waiting = threads.submit(scalar, second, ENSURE, DAYS[0])
        wait_until(lambda: scalar(connection, WAITING) == 1)
        first.commit()
        assert waiting.result(30) is False


def test_a_day_that_is_there_waits_for_nobody(database: str) -> None:
    with connect(database) as first, connect(database, autocommit=True) as second:
        assert scalar(second, ENSURE, DAYS[0]) is True
        assert scalar(first, ENSURE, DAYS[1]) is True  # and holds the lock
        second.execute("set lock_timeout = '5s'")
        assert scalar(second, ENSURE, DAYS[0]) is False


def test_two_that_race_for_many_days_make_each_once(
    database: str, connection: psycopg.Connection
) -> None:
    together = threading.Barrier(2, timeout=20)

    def ensure_all() -> list[bool]:
        with connect(database, autocommit=True) as racer:
            made = []
            for day in DAYS:
                together.wait()
                made.append(scalar(racer, ENSURE, day))
            return made

    with ThreadPoolExecutor(2) as threads:
        first, second = [threads.submit(ensure_all) for _ in range(2)]
        assert all(a != b for a, b in zip(first.result(), second.result(), strict=True))
    partitions = "select count(*) from pg_inherits where inhparent = 'raw.events'::regclass"
    assert scalar(connection, partitions) == len(DAYS)
