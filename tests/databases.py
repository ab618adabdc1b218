"""Databases of the tests' server: copies of the template, dropped when they have been used."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from eventmill.core.database import connect
from eventmill.core.opening import set_up
from eventmill.runner.embedded import EmbeddedPostgres
from tests.support import environment

TEMPLATE = "eventmill_template"
MODULE_DATABASE = "test_module"
_numbers = itertools.count(1)


@contextmanager
def running_server(home: Path) -> Iterator[EmbeddedPostgres]:
    """An embedded PostgreSQL with a migrated template database."""
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
