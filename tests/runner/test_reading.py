"""Commands that read change nothing, whatever the version, the plan and the currency stored."""

import subprocess
from collections.abc import Callable

import psycopg
import pytest
from typer.testing import CliRunner

from eventmill.core import migrate
from eventmill.core.currency import store_currency, stored_currency
from eventmill.core.opening import set_up
from eventmill.core.plan_store import differences, stored_types, types_of
from eventmill.core.tracking_plan import tracking_plan
from eventmill.runner.cli import app
from eventmill.runner.embedded import BIN, EmbeddedPostgres
from tests.databases import url_of
from tests.support import environment, rows, run_eventmill

READING = (
    "explain daily_metrics --date 2015-05-18",
    "status",
    "keys list",
    "spend list",
    "subjects show nobody",
    "warehouse status",
    "preview daily_metrics",
    "rejected list",
    "plan diff",
    "currency",
)
# These become another program, so they need a process of their own.
PROGRAMS = ("dbt --quiet ls --select stg_raw__events", "psql -- -Atc select(1)")
CURRENCY = "EUR"


def contents(url: str, *, audit: bool = True) -> list[str]:
    """A dump of what starting a system sets, and of all that is the operation's."""
    tables = ("ops.*", "raw.tracking_plan", "enrichment.platform_currency")
    chosen = [f"--table={table}" for table in tables]
    # With its sequence, which a row moves on.
    without = [] if audit else ["--exclude-table-data=ops.audit_log*"]
    dump = subprocess.run(
        [str(BIN / "pg_dump"), url, *chosen, *without], capture_output=True, check=True, text=True
    )
    # A dump holds a random word, which keeps psql from running commands in it.
    return [line for line in dump.stdout.splitlines() if not line.startswith("\\")]


def is_one_behind(connection: psycopg.Connection) -> None:
    last = max(migrate.available())
    connection.execute("delete from ops.migrations where name = %s", (last,))


def is_one_ahead(connection: psycopg.Connection) -> None:
    connection.execute("insert into ops.migrations (name, checksum) values ('9999_later.sql', '')")


def has_another_plan_and_currency(connection: psycopg.Connection) -> None:
    connection.execute("delete from raw.tracking_plan where event_type = 'asset_viewed'")
    store_currency(connection, "JPY")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (is_one_behind, "older than this version (it lacks migration {last}): run `eventmill"),
        (is_one_ahead, "newer than this version (it has migration 9999_later.sql): update this"),
        (has_another_plan_and_currency, ""),
    ],
)
def test_reading_changes_nothing(
    connection: psycopg.Connection,
    database: str,
    make: Callable[[psycopg.Connection], None],
    message: str,
) -> None:
    make(connection)
    message = message.format(last=max(migrate.available()))
    with environment(EVENTMILL_CURRENCY=CURRENCY):
        for command in READING:
            audit = not command.startswith("subjects show")  # which is recorded
            before = contents(database, audit=audit)
            result = CliRunner().invoke(app, command.split())
            assert contents(database, audit=audit) == before, command
            assert message in f"{result.output} {result.exception}", command
        before = contents(database)
        for command in PROGRAMS:
            ended = run_eventmill(*command.split())
            assert contents(database) == before, command
            is_refused = bool(message) and command.startswith("dbt")
            assert (ended.returncode != 0) == is_refused, command + ended.stderr
            assert message in ended.stderr if is_refused else not ended.stderr, command


def test_the_start_of_a_system_sets_all_three(connection: psycopg.Connection) -> None:
    has_another_plan_and_currency(connection)
    is_one_behind(connection)
    with environment(EVENTMILL_CURRENCY=CURRENCY):
        assert set_up(connection) == [max(migrate.available())]
    migrate.require_current(connection)
    assert not differences(stored_types(connection), types_of(tracking_plan()))
    assert stored_currency(connection) == CURRENCY


def test_migrating_only_migrates(connection: psycopg.Connection, database: str) -> None:
    has_another_plan_and_currency(connection)
    is_one_behind(connection)
    result = CliRunner().invoke(app, ["migrate"], env={"EVENTMILL_CURRENCY": CURRENCY})
    assert result.output == f"applied {max(migrate.available())}\n"
    assert stored_currency(connection) == "JPY"
    assert differences(stored_types(connection), types_of(tracking_plan()))


def test_psql_creates_no_database(server: EmbeddedPostgres, connection: psycopg.Connection) -> None:
    url = url_of(server, "nowhere")
    result = run_eventmill("psql", "--", "-Atc", "select 1", EVENTMILL_DATABASE_URL=url)
    assert result.returncode == 1
    assert 'database "nowhere" does not exist' in result.stderr
    assert result.stderr.count("\n") == 1
    assert not rows(connection, "select from pg_database where datname = 'nowhere'")
