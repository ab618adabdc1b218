"""One embedded PostgreSQL for the session of each worker; databases are cloned from a template."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered
from psycopg import sql

from eventmill.core.database import connect
from eventmill.core.opening import set_up
from eventmill.runner.embedded import EmbeddedPostgres
from tests.chromium import pytest_terminal_summary  # noqa: F401  a hook of pytest, found here
from tests.support import environment

# Hooks of pytest, found here.
from tests.workers import (  # noqa: F401
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)

# The same cases each time: a failure is one of this change, and can be run again.
hypothesis.settings.register_profile("suite", derandomize=True, database=None)
hypothesis.settings.load_profile("suite")

# dbt looks through the whole stack for who declared a flag, twice a command: in a worker of the
# suite, some of whose frames have no module, a tenth of a small build.
BehaviorFlagRendered._default_source = staticmethod(  # type: ignore[method-assign]
    lambda: "dbt.adapters"
)

TEMPLATE = "eventmill_template"
MODULE_DATABASE = "test_module"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of the session's system. Its dbt manifest and PostgreSQL are shared by all tests."""
    folder = tmp_path_factory.mktemp("home")
    clean = {name: None for name in os.environ if name.startswith("EVENTMILL_")}
    with environment(**{**clean, "EVENTMILL_HOME": str(folder)}):
        yield folder


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    """A running embedded PostgreSQL with a migrated template database."""
    postgres = EmbeddedPostgres(home)
    postgres.start()
    try:
        with connect(url_of(postgres, "postgres"), autocommit=True) as connection:
            # No test cuts this server's power: those that kill one start one of their own.
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
            connection.execute(f"create database {TEMPLATE}")
        with connect(url_of(postgres, TEMPLATE), autocommit=True) as connection:
            set_up(connection)
        yield postgres
    finally:
        postgres.stop()


def url_of(server: EmbeddedPostgres, name: str) -> str:
    return server.url.replace("/eventmill?", f"/{name}?")


def clone(server: EmbeddedPostgres, name: str, template: str = TEMPLATE) -> str:
    """URL of a new database, a copy of `template`."""
    copied = "create database {} template {} strategy file_copy"
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(copied).format(sql.Identifier(name), sql.Identifier(template)))
    return url_of(server, name)


def drop(server: EmbeddedPostgres, name: str) -> None:
    """Drop a database, and that of Dagster's state beside it."""
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        for dropped in (name, f"{name}_dagster"):
            statement = sql.SQL("drop database if exists {} with (force)")
            connection.execute(statement.format(sql.Identifier(dropped)))


def rename(server: EmbeddedPostgres, name: str, to: str) -> None:
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        renamed = sql.SQL("alter database {} rename to {}")
        connection.execute(renamed.format(sql.Identifier(name), sql.Identifier(to)))


@contextmanager
def new_database(server: EmbeddedPostgres, name: str, template: str = TEMPLATE) -> Iterator[str]:
    """URL of a copy of `template`, while the settings point at it."""
    # One after the other they have the same name: in another database dbt parses its project again.
    url = clone(server, name, template)
    # What one test leaves in the spool must not come out in another's database.
    spool = str(server.home / "spools" / f"{name}_{next(_numbers)}")
    try:
        with environment(EVENTMILL_DATABASE_URL=url, EVENTMILL_SPOOL_DIR=spool):
            yield url
    finally:
        drop(server, name)


@pytest.fixture
def database(server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a migrated database of this test's own; the settings point at it."""
    with new_database(server, "test") as url:
        yield url


@pytest.fixture(scope="module")
def module_database(server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a migrated database that a module's tests share; the settings point at it."""
    with new_database(server, MODULE_DATABASE) as url:
        yield url


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to this test's own database."""
    with connect(database, autocommit=True) as opened:
        yield opened
