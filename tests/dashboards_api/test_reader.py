"""The API reads as a role that cannot write, and what it keeps itself it writes as another."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from dashboards_api.database import create_pool, create_state_pool, snapshot, tuples
from eventmill.core.database import connect
from eventmill.core.errors import Unavailable
from eventmill.core.migrate import migrate
from eventmill.core.tokens import Caller
from eventmill.privacy.audit import Action, record
from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import url_of
from tests.support import rows, scalar

ADMIN = Caller("root", "admin")


async def read(url: str, query: LiteralString) -> list[tuple[object, ...]]:
    async with create_pool(url) as pool, snapshot(pool) as connection:
        return await tuples(connection, query)


async def write(url: str, query: LiteralString) -> None:
    """As a reading connection could try it, out of its read-only transaction."""
    async with create_pool(url) as pool, pool.connection() as connection:
        await connection.rollback()
        await connection.execute(query)


def test_reading_connections_are_the_readers(views_database: str) -> None:
    assert asyncio.run(read(views_database, "select current_user")) == [("eventmill_reader",)]
    for table in (
        "raw.events",
        "raw.lifecycle_events",
        "enrichment.user_agents",
        "ops.migrations",
        "intermediate.int_events",
        "marts.metric_definitions",
    ):
        asyncio.run(read(views_database, f"select from {table} limit 1"))


@pytest.mark.parametrize(
    "query",
    [
        "delete from raw.events",
        "truncate raw.events",
        "update enrichment.platform_currency set currency = 'USD'",
        "insert into ops.migrations values ('x', 'y')",
        "create table marts.mine (n integer)",
        "drop view intermediate.int_events",
        "select * from raw.write_keys",
        "select * from raw.visitor_salts",
        "select * from ops.audit_log",
        "select * from ops.audit_key",
        "select ops.subject_hash('jane')",
    ],
)
def test_the_reader_can_write_nothing_and_reads_no_secret(
    views_database: str, query: LiteralString
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        asyncio.run(write(views_database, query))


def test_what_may_not_be_read_is_said(views_database: str, events: psycopg.Connection) -> None:
    events.execute("create table ops.somebodys (n integer)")
    events.execute("revoke all on ops.somebodys from eventmill_reader")
    with pytest.raises(Unavailable, match="eventmill_reader"):
        asyncio.run(read(views_database, "select * from ops.somebodys"))


def test_what_is_made_later_can_be_read(views_database: str, events: psycopg.Connection) -> None:
    events.execute("create schema of_a_later_version")
    events.execute("create table of_a_later_version.numbers as select 1 as n")
    assert asyncio.run(read(views_database, "select n from of_a_later_version.numbers")) == [(1,)]


def test_the_log_only_grows(views_database: str, events: psycopg.Connection) -> None:
    async def act() -> None:
        async with create_state_pool(views_database) as pool:
            detail = {"format": "json"}
            async with snapshot(pool) as connection:
                await record(connection, ADMIN, Action.SUBJECT_READ, detail, subject="jane")
            other = Caller("\x00ro\ud800ot", "admin")
            async with snapshot(pool) as connection:
                await record(connection, other, Action.SUBJECT_ERASED, {})

    asyncio.run(act())
    found = rows(
        events, "select actor, action, subject_hash, detail from ops.audit_log order by at"
    )
    hashed = scalar(events, "select ops.subject_hash('jane')")
    assert found == [
        ("root", "subject.read", hashed, {"format": "json"}),
        ("ro?ot", "subject.erased", None, {}),
    ]
    assert len(hashed) == 64
    for query in ("update ops.audit_log set actor = 'x'", "delete from ops.audit_log",
                  "truncate ops.audit_log"):  # fmt: skip
        with pytest.raises(errors.InsufficientPrivilege, match="only grows"):
            events.execute(query)
    assert scalar(events, "select count(*) from ops.audit_log") == 2


@pytest.fixture
def server_with_a_user(server: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    """(an administrator's URL, the URL of a user of her own database who may make no roles)"""
    administrator = url_of(server, "postgres")
    with connect(administrator, autocommit=True) as connection:
        connection.execute("create role plain login")
        connection.execute("create database of_plain owner plain")
        yield administrator, url_of(server, "of_plain").replace("://eventmill@", "://plain@")
        connection.execute("drop database of_plain with (force)")
        connection.execute("drop role plain")


def test_who_may_not_make_roles_reads_in_read_only_transactions(
    server_with_a_user: tuple[str, str],
) -> None:
    _, url = server_with_a_user
    notices: list[str] = []
    with connect(url, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        migrate(connection)
    assert any("eventmill_reader" in notice for notice in notices)
    assert asyncio.run(read(url, "select current_user")) == [("plain",)]
    with pytest.raises(errors.ReadOnlySqlTransaction):
        asyncio.run(read(url, "delete from raw.events"))


@pytest.fixture
def fresh_server(processes: None, home: Path, tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server on which nothing was migrated yet, so that it has no roles of ours."""
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    yield postgres
    postgres.stop()


def test_databases_of_one_server_can_be_migrated_at_once(fresh_server: EmbeddedPostgres) -> None:
    """A role is the server's, and each migration wants to make it."""
    names = [f"together_{number}" for number in range(4)]
    failures: list[Exception] = []
    start = threading.Barrier(len(names))

    def migrated(name: str) -> None:
        try:
            with connect(url_of(fresh_server, name), autocommit=True) as connection:
                start.wait()
                migrate(connection)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    with connect(url_of(fresh_server, "postgres"), autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        threads = [threading.Thread(target=migrated, args=[name]) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_who_may_make_roles_makes_it(fresh_server: EmbeddedPostgres) -> None:
    """Without being an administrator of the server."""
    with connect(url_of(fresh_server, "postgres"), autocommit=True) as connection:
        connection.execute("create role maker login createrole")
        connection.execute("create database of_maker owner maker")
    url = url_of(fresh_server, "of_maker").replace("://eventmill@", "://maker@")
    with connect(url, autocommit=True) as connection:
        migrate(connection)
    assert asyncio.run(read(url, "select current_user")) == [("eventmill_reader",)]
    with pytest.raises(errors.InsufficientPrivilege):
        asyncio.run(write(url, "delete from raw.events"))
