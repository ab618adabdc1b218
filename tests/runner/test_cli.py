"""The command line: what each command prints, and one line that says what to do when it cannot."""

import json
import os
import socket
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from eventmill.core.tokens import Caller, verify
from eventmill.runner.cli import app
from eventmill.runner.embedded import EmbeddedPostgres
from tests.support import free_port, run_eventmill

pytestmark = pytest.mark.usefixtures("processes")
COMMANDS = (
    "up",
    "demo",
    "down",
    "status",
    "migrate",
    "token",
    "psql",
    "settings",
    "plan",
    "import",
    "backfill",
    "dbt",
)


def test_help_explains_each_command(home: Path) -> None:
    text = run_eventmill("--help", COLUMNS="80").stdout
    listed = {
        line.split()[0]: line
        for line in text.splitlines()
        if line.startswith("  ") and line.split()
    }
    for command in COMMANDS:
        assert command in listed, f"{command} is missing from --help"
        assert len(listed[command].split()) > 3, f"{command} is not explained"
        assert not listed[command].endswith("..."), f"{command}'s explanation is cut off"
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_token_prints_a_token_and_nothing_else(home: Path) -> None:
    result = run_eventmill("token", "--role", "brand", "--sub", "u-1", "--brand-id", "b-1")
    assert result.stdout.count("\n") == 1
    assert verify(result.stdout.strip()) == Caller("u-1", "brand", "b-1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["token", "--role", "root", "--sub", "u"], "unknown role 'root'"),
        (["token", "--role", "brand", "--sub", "u"], "brand id exactly when"),
        (["backfill", "2015-05-20", "2015-05-17"], "ends"),
        (["backfill", "yesterday", "2015-05-17"], "'yesterday' is not a date"),
        (["import", "access-log", "/no/such/file"], "/no/such/file"),
    ],
)
def test_wrong_arguments_are_answered_in_one_line(
    database: str, arguments: list[str], message: str
) -> None:
    result = run_eventmill(*arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert result.stderr.strip().count("\n") == 0


def test_a_wrong_database_url_says_what_to_do(home: Path) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/none", "not a url"):
        result = run_eventmill("up", EVENTMILL_DATABASE_URL=url, **_free_ports())
        assert result.returncode == 1
        assert "EVENTMILL_DATABASE_URL" in result.stderr
        assert result.stderr.strip().count("\n") == 0


def test_a_taken_port_says_which_setting_moves_it(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {**_free_ports(), "EVENTMILL_DASHBOARDS_PORT": str(taken.getsockname()[1])}
        result = run_eventmill("up", **ports)
    assert result.returncode == 1
    assert "EVENTMILL_DASHBOARDS_PORT" in result.stderr
    assert result.stderr.strip().count("\n") == 0


def _free_ports() -> dict[str, str]:
    names = ("EVENTMILL_INGEST_PORT", "EVENTMILL_DASHBOARDS_PORT", "EVENTMILL_DAGSTER_PORT")
    return {name: str(free_port()) for name in names}


def test_psql_and_status_on_a_database(connection: psycopg.Connection) -> None:
    result = run_eventmill("psql", "--", "-Atc", "select current_database()")
    assert result.stdout.strip() == connection.info.dbname
    database = json.loads(run_eventmill("status", "--json").stdout)["database"]
    assert (database["running"], database["events"], database["built"]) == (True, 0, None)


def test_status_names_a_missing_migration(connection: psycopg.Connection) -> None:
    connection.execute("drop schema ops cascade")
    result = run_eventmill("status")
    assert "run `eventmill migrate`" in result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = run_eventmill("psql", EVENTMILL_HOME=str(tmp_path / "home"))
    assert result.returncode == 1
    assert str(tmp_path) in result.stderr


def test_a_deep_home_keeps_its_socket_short(tmp_path: Path) -> None:
    home = tmp_path / ("d" * 120)
    home.mkdir()
    server = EmbeddedPostgres(home)
    try:
        assert server.start()
        assert not server.start()
        assert psycopg.connect(server.url.replace("/eventmill?", "/postgres?")).info.user
    finally:
        assert server.stop()
    assert not server.stop()
