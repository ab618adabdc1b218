"""Numbered SQL migrations of the schemas `raw`, `enrichment` and `ops`; dbt owns the rest.

Each file in `migrations/` runs once, in its own transaction, in the order of its number. An
advisory lock makes two starts at the same time safe: the second waits and finds nothing to do.
"""

import hashlib
from importlib import resources

import psycopg

from eventmill.core.database import advisory_lock
from eventmill.core.errors import ConfigurationError
from eventmill.core.relations import is_there

LEDGER = """
create schema if not exists ops;
create table ops.migrations (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""


def available() -> dict[str, str]:
    """Name → SQL of every migration that this version ships, in order."""
    folder = resources.files("eventmill.core") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return {f.name: f.read_text() for f in files}


def migrate(connection: psycopg.Connection) -> list[str]:
    """Apply what is missing and return its names. `connection` must be in autocommit mode.

    Raises ConfigurationError if a migration that was applied has changed since, or if the
    database was migrated by a newer version.
    """
    with advisory_lock(connection, "eventmill.migrate"):
        if is_empty(connection):
            connection.execute(LEDGER)
        applied = _applied(connection)
        files = available()
        _refuse_newer(applied)
        done = []
        for name, text in files.items():
            checksum = hashlib.sha256(text.encode()).hexdigest()
            if name in applied:
                if applied[name] != checksum:
                    raise ConfigurationError(
                        f"migration {name} changed after it was applied: restore the file and put"
                        " the change into a new migration"
                    )
                continue
            with connection.transaction():
                connection.execute(text.encode())
                connection.execute(
                    "insert into ops.migrations (name, checksum) values (%s, %s)", (name, checksum)
                )
            done.append(name)
        return done


def is_empty(connection: psycopg.Connection) -> bool:
    """Whether no migration was ever applied."""
    return not is_there(connection, "ops.migrations")


def require_current(connection: psycopg.Connection) -> None:
    """Raise ConfigurationError, naming the command to run, unless the database is of this version.

    Reads only.
    """
    applied = {} if is_empty(connection) else _applied(connection)
    _refuse_newer(applied)
    if missing := sorted(available().keys() - applied.keys()):
        if not applied:
            raise ConfigurationError("the database has no Eventmill yet: run `eventmill migrate`")
        raise ConfigurationError(
            f"the database is older than this version (it lacks migration {missing[0]}):"
            " run `eventmill migrate` with this version"
        )


def _refuse_newer(applied: dict[str, str]) -> None:
    if unknown := sorted(applied.keys() - available().keys()):
        raise ConfigurationError(
            f"the database is newer than this version (it has migration {unknown[-1]}):"
            " update this checkout (git pull)"
        )


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("select name, checksum from ops.migrations").fetchall())
