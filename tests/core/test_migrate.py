"""Migrations run once, also when two processes start at the same time."""

import threading

import psycopg
import pytest

from eventmill.core import migrate
from eventmill.core.database import connect
from eventmill.core.errors import ConfigurationError
from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import url_of
from tests.support import rows, scalar


def test_two_starts_at_the_same_time_apply_each_migration_once(server: EmbeddedPostgres) -> None:
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        connection.execute("create database twice")
    applied: list[list[str]] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        with connect(url_of(server, "twice"), autocommit=True) as connection:
            barrier.wait()
            applied.append(migrate.migrate(connection))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrate.available())]


def test_a_database_without_a_migration_is_named(connection: psycopg.Connection) -> None:
    migrate.require_current(connection)
    connection.execute("delete from ops.migrations where name like '0002%'")
    with pytest.raises(
        ConfigurationError, match=r"lacks migration 0002.*run `eventmill migrate` with this"
    ):
        migrate.require_current(connection)


def test_a_changed_migration_is_refused(connection: psycopg.Connection) -> None:
    connection.execute("update ops.migrations set checksum = 'other' where name like '0001%'")
    with pytest.raises(ConfigurationError, match=r"0001_raw\.sql changed after it was applied"):
        migrate.migrate(connection)


def test_an_event_that_was_deleted_can_be_sent_again(connection: psycopg.Connection) -> None:
    connection.execute("select raw.ensure_partition('2015-05-17')")
    for day in ("2015-05-17 00:00+00", "2015-05-17 23:59:59.999999+00"):
        connection.execute(
            """
            with id as (
                insert into raw.event_ids values (gen_random_uuid(), %s) returning event_id
            )
            insert into raw.events (event_id, occurred_at, event_type, visitor_id)
            select event_id, %s, 'page_viewed', 'v' from id
            """,
            (day, day),
        )
    assert rows(connection, "select distinct tableoid::regclass::text from raw.events") == [
        ("raw.events_20150517",)
    ]
    connection.execute("delete from raw.events where occurred_at < '2015-05-17 12:00+00'")
    assert scalar(connection, "select count(*) from raw.event_ids") == 1
    connection.execute("truncate raw.events")
    assert scalar(connection, "select count(*) from raw.event_ids") == 0
