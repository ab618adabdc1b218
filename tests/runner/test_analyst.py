"""An analyst's login reads what models are made of, and writes only into schemas of its own."""

from collections.abc import Iterator
from datetime import date
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from eventmill.core import migrate
from eventmill.core.database import connect
from eventmill.core.opening import set_up
from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import url_of
from tests.orchestration.support import add_days
from tests.support import environment, rows, run_eventmill, scalar

LOGIN = "ana"
# Everything of raw and ops that analysts may read: a new table is a decision of its own.
READABLE = {
    "ops": {"migrations"},
    "raw": {
        "ad_spend", "dropped_days", "event_ids", "events", "identities", "lifecycle_events",
        "touched_days", "tracking_plan",
    },
}  # fmt: skip


@pytest.fixture
def analyst(server: EmbeddedPostgres, connection: psycopg.Connection) -> Iterator[str]:
    """URL of this test's database for a login in the group."""
    # A copy of a database has not its grants.
    connection.execute("grant create on database test to eventmill_analyst")
    connection.execute("create schema marts")
    connection.execute("create table marts.daily_metrics (views bigint)")
    connection.execute(f"create role {LOGIN} login in role eventmill_analyst")
    url = url_of(server, connection.info.dbname).replace("://eventmill@", f"://{LOGIN}@")
    with environment(EVENTMILL_DATABASE_URL=url):
        yield url
    connection.execute(f"drop owned by {LOGIN}")
    connection.execute(f"drop role {LOGIN}")


def test_an_analyst_builds_into_schemas_of_their_own(
    analyst: str, connection: psycopg.Connection
) -> None:
    add_days(connection, date(2024, 3, 1), 2)
    built = run_eventmill("dbt", "build", "--select", "+visitors", USER="somebody")
    assert built.returncode == 0, built.stdout
    owner = "select pg_get_userbyid(nspowner) from pg_namespace where nspname = %s"
    own = "dev_somebody"
    for schema in ("staging", "intermediate", "marts"):
        assert scalar(connection, owner, f"{own}_{schema}") == LOGIN
    with connect(analyst) as reader:
        assert scalar(reader, f"select count(*) from {own}_marts.visitors") > 0


def test_what_an_analyst_may_read(analyst: str, connection: psycopg.Connection) -> None:
    readable = """
        select relname from pg_class
        where
            relnamespace = %s::regnamespace and relkind in ('r', 'p') and not relispartition
            and has_table_privilege(%s, oid, 'select')
    """
    for schema, tables in READABLE.items():
        assert {name for (name,) in rows(connection, readable, schema, LOGIN)} == tables
    # What the owner makes later, as dbt does.
    connection.execute("create schema staging")
    connection.execute("create view staging.later as select * from raw.events")
    with connect(analyst, autocommit=True) as reader:
        assert rows(reader, "select * from staging.later, marts.daily_metrics") == []


@pytest.mark.parametrize(
    "statement",
    [
        "insert into raw.events (event_type) values ('page_viewed')",
        "delete from raw.lifecycle_events",
        "update enrichment.platform_currency set currency = 'USD'",
        "drop table marts.daily_metrics",
        "create table marts.mine (n integer)",
        "create table raw.mine (n integer)",
        "insert into marts.daily_metrics values (1)",
        "insert into ops.migrations values ('x', 'y')",
        "select raw.ensure_partition('2015-05-17')",
        "select * from raw.write_keys",
        "select * from raw.rejected_events",
        "select * from ops.audit_log",
        "set role eventmill",
    ],
)
def test_an_analyst_writes_nowhere_else(analyst: str, statement: LiteralString) -> None:
    with (
        connect(analyst, autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_commands_that_store_are_refused_in_one_line(
    analyst: str, connection: psycopg.Connection
) -> None:
    assert run_eventmill("migrate").stdout == "nothing to apply\n"
    last = max(migrate.available())
    for command in ("migrate", "keys create mine --kind secret", "currency EUR", "plan store"):
        if command == "migrate":
            connection.execute("delete from ops.migrations where name = %s", (last,))
        else:
            set_up(connection)
            connection.execute("delete from raw.tracking_plan")
        result = run_eventmill(*command.split())
        assert result.returncode == 1
        assert "this needs the login that owns the database" in result.stderr, command
        assert result.stderr.count("\n") == 1


def test_a_server_where_roles_cannot_be_made_is_migrated(
    server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fresh = EmbeddedPostgres(tmp_path_factory.mktemp("fresh"))
    fresh.start()
    try:
        with connect(url_of(fresh, "postgres"), autocommit=True) as administrator:
            administrator.execute("create role plain login")
            administrator.execute("create database of_plain owner plain")
        url = url_of(fresh, "of_plain").replace("://eventmill@", "://plain@")
        notices: list[str] = []
        with connect(url, autocommit=True) as connection:
            connection.add_notice_handler(
                lambda notice: notices.append(notice.message_primary or "")
            )
            assert migrate.migrate(connection) == list(migrate.available())
        assert any("eventmill_analyst" in notice for notice in notices)
    finally:
        fresh.stop()
