"""200 means durable: answers wait for the commit, and what fails, fails alone and completely."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.database import connect
from tests.ingest_api.support import DAY, event, is_settled, send, served, statuses
from tests.support import environment, rows, scalar, wait_until

# Of this table only: what else waits for a moment is no commit that the blocker holds up.
WAITING = """
select count(*) from pg_locks
where
    not granted and relation = 'raw.event_ids'::regclass
    and database = (select oid from pg_database where datname = current_database())
"""
KILL = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'eventmill-ingest' and pid <> pg_backend_pid()
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here locks hold commits up; on a busy machine they must not go to the spool for that."""
    monkeypatch.setattr("ingest_api.writer.COMMIT_SECONDS", 60.0)


def test_no_answer_before_the_commit(
    api: httpx.Client, database: str, connection: psycopg.Connection
) -> None:
    with connect(database) as blocker, ThreadPoolExecutor() as threads:
        blocker.execute("lock table raw.event_ids in share mode")
        answer = threads.submit(send, api, event())
        wait_until(lambda: scalar(connection, WAITING) == 1)
        assert not answer.done()
        assert scalar(connection, "select count(*) from raw.events") == 0
        blocker.rollback()
        assert answer.result(30)["accepted"] == 1
    assert scalar(connection, "select count(*) from raw.events") == 1


def test_requests_that_wait_share_one_commit(
    api: httpx.Client, database: str, connection: psycopg.Connection
) -> None:
    with connect(database) as blocker, ThreadPoolExecutor(30) as threads:
        blocker.execute("lock table raw.event_ids in share mode")
        first = threads.submit(send, api, event())
        wait_until(lambda: scalar(connection, WAITING) == 1)
        others = [threads.submit(send, api, event()) for _ in range(29)]
        metrics = "eventmill_ingest_waiting_rows 29.0"
        wait_until(lambda: metrics in api.get("/metrics").text)
        blocker.rollback()
        assert all(answer.result(30)["accepted"] == 1 for answer in [first, *others])
    transactions = rows(connection, "select xmin::text, count(*) from raw.events group by 1")
    assert sorted(count for _, count in transactions) == [1, 29]


def test_a_lost_connection_is_replaced_and_nothing_is_stored_twice(
    api: httpx.Client, database: str, connection: psycopg.Connection
) -> None:
    send(api, event(event_id="before"))
    with connect(database) as blocker, ThreadPoolExecutor() as threads:
        blocker.execute("lock table raw.event_ids in share mode")
        answer = threads.submit(send, api, event(event_id="during"), event(event_id="before"))
        wait_until(lambda: scalar(connection, WAITING) == 1)
        connection.execute(KILL)
        wait_until(lambda: scalar(connection, WAITING) == 1)
        blocker.rollback()
        assert statuses(answer.result(30)) == ["accepted", "duplicate"]
    assert scalar(connection, "select count(*) from raw.events") == 2
    assert scalar(connection, "select count(*) from raw.event_ids") == 2


@contextmanager
def database_away(database: str, connection: psycopg.Connection) -> Iterator[None]:
    """The server refuses connections to this database, and ends those that there are."""
    name = connection.info.dbname
    with connect(database.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false'.encode())
        try:
            admin.execute(KILL)
            yield
        finally:
            admin.execute(f'alter database "{name}" allow_connections true'.encode())


def test_503_while_there_is_nowhere_durable_and_nothing_half_written(
    database: str, connection: psycopg.Connection
) -> None:
    nowhere = environment(EVENTMILL_SPOOL_DIR="/dev/null/no-folder", EVENTMILL_RETENTION_DAYS="0")
    with nowhere, served() as api:
        send(api, event(event_id="first"))
        batch = {"events": [event(event_id=f"e-{number}") for number in range(100)]}
        with database_away(database, connection):
            answer = api.post("/v1/events", json=batch)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert api.get("/readyz").status_code == 503
            assert api.get("/healthz").status_code == 200
        assert scalar(connection, "select count(*) from raw.event_ids") == 1
        assert api.post("/v1/events", json=batch).json()["accepted"] == 100
        wait_until(lambda: api.get("/readyz").status_code == 200)


def test_a_service_without_a_database_starts_and_says_so(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    away = environment(EVENTMILL_DATABASE_URL=url, EVENTMILL_SPOOL_DIR=str(tmp_path))
    with away, served(None) as api:
        answer = api.get("/readyz").json()
        assert answer["status"] == "spooling"
        assert "127.0.0.1:1/none" in answer["detail"]


def test_a_missing_migration_is_named(api: httpx.Client, connection: psycopg.Connection) -> None:
    assert is_settled(api.get("/readyz").json())
    connection.execute("delete from ops.migrations where name like '0002%'")
    answer = api.get("/readyz").json()
    assert answer["status"] == "spooling"
    assert "0002_enrichment.sql: run `eventmill migrate`" in answer["detail"]


def test_an_event_that_the_database_refuses_does_not_fail_its_neighbours(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    """Validation should leave nothing for the database to refuse; if it does, the rest is kept."""
    connection.execute("alter table raw.events add constraint odd check (session_id <> 'odd')")
    sent = [event(session_id="odd" if number in (13, 77) else "even") for number in range(100)]
    answer = send(api, *sent)
    assert (answer["accepted"], answer["rejected"]) == (98, 2)
    (error,) = answer["results"][13]["errors"]
    assert error["field"] == "event"
    assert "violates check constraint" in error["message"]
    assert scalar(connection, "select count(*) from raw.events") == 98
    assert scalar(connection, "select count(*) from raw.event_ids") == 98


def test_a_partition_that_was_dropped_is_made_again(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    send(api, event())
    partition = f"raw.events_{DAY.replace('-', '')}"
    connection.execute(f"drop table {partition}".encode())
    assert send(api, event())["accepted"] == 1
    assert scalar(connection, "select count(*) from raw.events") == 1


def test_stopping_commits_what_waits(database: str, connection: psycopg.Connection) -> None:
    answers: list[Future[dict[str, Any]]] = []
    with environment(EVENTMILL_RETENTION_DAYS="0"), ThreadPoolExecutor() as threads:
        with connect(database) as blocker, httpx.Client(timeout=30) as sender, served() as api:
            sender.headers.update(api.headers)
            blocker.execute("lock table raw.event_ids in share mode")
            sender.base_url = api.base_url
            answers.append(threads.submit(send, sender, event()))
            wait_until(lambda: scalar(connection, WAITING) == 1)
            answers += [threads.submit(send, sender, event()) for _ in range(4)]
            wait_until(lambda: "waiting_rows 4.0" in api.get("/metrics").text)
            threading.Timer(0.5, blocker.rollback).start()
        assert [answer.result(30)["accepted"] for answer in answers] == [1] * 5
    assert scalar(connection, "select count(*) from raw.events") == 5


def test_more_than_can_wait_goes_to_the_spool(
    api: httpx.Client,
    database: str,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest_api.writer.QUEUE_ROWS", 150)
    with connect(database) as blocker, ThreadPoolExecutor() as threads:
        blocker.execute("lock table raw.event_ids in share mode")
        first = threads.submit(send, api, event())
        wait_until(lambda: scalar(connection, WAITING) == 1)
        waiting = threads.submit(send, api, *[event()] * 100)
        wait_until(lambda: "waiting_rows 100.0" in api.get("/metrics").text)
        assert send(api, *[event()] * 100)["accepted"] == 100
        assert "eventmill_ingest_spool_events 100.0" in api.get("/metrics").text
        blocker.rollback()
        assert first.result(30)["accepted"] + waiting.result(30)["accepted"] == 101
    wait_until(lambda: scalar(connection, "select count(*) from raw.events") == 201)


def test_a_slow_database_is_not_waited_for(
    api: httpx.Client,
    database: str,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The commit is given up and its events go to the spool; if it lands after all, no matter."""
    monkeypatch.setattr("ingest_api.writer.COMMIT_SECONDS", 0.2)
    send(api, event(event_id="before"))
    with connect(database) as blocker:
        blocker.execute("lock table raw.event_ids in share mode")
        sent = [event(event_id=f"e-{number}") for number in range(10)]
        assert send(api, *sent)["accepted"] == 10
        assert send(api, event(event_id="behind"))["accepted"] == 1
        assert "eventmill_ingest_spool_events 11.0" in api.get("/metrics").text
        blocker.rollback()
    wait_until(lambda: is_settled(api.get("/readyz").json()))
    assert scalar(connection, "select count(*) from raw.events") == 12
    assert scalar(connection, "select count(*) from raw.event_ids") == 12
