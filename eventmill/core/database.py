"""Connections to the system's database, embedded or given by EVENTMILL_DATABASE_URL."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventmill.core.errors import ConfigurationError
from eventmill.core.secret_files import write_secret
from eventmill.core.settings import get_settings

OLDEST_SERVER = 150000
EMBEDDED_USER = "eventmill"
EMBEDDED_PORT = 5432
# What sun_path holds: 108 bytes on Linux and 104 on macOS, a zero at the end included.
MAX_SOCKET = 103
CONNECT_SECONDS = 10
# Whoever writes marts holds this advisory lock: runs, on any machine, and who erases a person.
BUILD_LOCK: Final = "eventmill.build"
# An erasure holds it, shared, while it waits for builds: a build that runs makes room then.
ERASURE_LOCK: Final = "eventmill.erasure"


@cache
def database_url() -> str:
    """libpq URL of the system's database. Does not connect and does not start anything."""
    settings = get_settings()
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigurationError(
                f"EVENTMILL_DATABASE_URL is not a PostgreSQL URL ({str(error).strip()}):"
                " use postgresql://user:password@host:5432/database"
            ) from None
        return url
    return embedded_url(settings.home)


@cache
def dagster_database_url() -> str:
    """libpq URL of the database that holds Dagster's own state."""
    settings = get_settings()
    if settings.dagster_database_url is not None:
        return settings.dagster_database_url.get_secret_value()
    parts = conninfo_to_dict(database_url())
    parts["dbname"] = f"{parts.get('dbname') or 'eventmill'}_dagster"
    return _as_url(parts)


def _as_url(parts: Mapping[str, object]) -> str:
    """Connection parameters → URL; dagster-postgres and SQLAlchemy take no `key=value` form."""
    values = {key: str(value) for key, value in parts.items() if value is not None}
    login = quote(values.pop("user", ""), safe="")
    if password := values.pop("password", ""):
        login += ":" + quote(password, safe="")
    dbname = quote(values.pop("dbname", ""), safe="")
    query = "&".join(f"{key}={quote(value, safe='/')}" for key, value in sorted(values.items()))
    return f"postgresql://{login}@/{dbname}?{query}"


def url_without_password(url: str, name: str) -> str:
    """`url` as it may stand in a command line or a file: its password is in a file of the home.

    libpq reads the file, mode 0600, which `name` tells from those of other URLs.
    """
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    if not password:
        return url
    escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
    parts["passfile"] = str(write_secret(f"pgpass-{name}", f"*:*:*:*:{escaped}\n"))
    return _as_url(parts)


def embedded_url(home: Path) -> str:
    """libpq URL of the embedded server of `home`, which may not run."""
    return f"postgresql://{EMBEDDED_USER}@/eventmill?host={socket_dir(home)}&port={EMBEDDED_PORT}"


def socket_dir(home: Path) -> Path:
    """Where the embedded server of `home` has its socket."""
    return short_folder(home, "postgres/socket", f".s.PGSQL.{EMBEDDED_PORT}.lock")


def short_folder(home: Path, folder: str, file: str) -> Path:
    """`folder` of `home` for a socket `file`; another if its path would be too long."""
    preferred = home / folder
    if len(os.fsencode(preferred / file)) <= MAX_SOCKET:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"eventmill-{os.geteuid()}-{digest}"


def connect(
    url: str | None = None, *, autocommit: bool = False, application: str = "eventmill"
) -> psycopg.Connection:
    """A connection to `url`, by default the system's database.

    Raises ConfigurationError, in one line that says what to do, when the server is not reachable
    or too old.
    """
    target = url or database_url()
    conninfo = make_conninfo(target, connect_timeout=CONNECT_SECONDS, application_name=application)
    try:
        connection = psycopg.connect(conninfo, autocommit=autocommit)
    except psycopg.OperationalError as error:
        where = "EVENTMILL_DATABASE_URL" if get_settings().database_url else "`eventmill up`"
        raise ConfigurationError(
            f"no PostgreSQL at {describe(target)} ({_first_line(error)}): check {where}"
        ) from None
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        connection.close()
        raise ConfigurationError(f"PostgreSQL {version} is too old: use 15 or newer")
    return connection


def describe(url: str) -> str:
    """Where `url` points, without its password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def ensure_database(url: str) -> None:
    """Create the database that `url` names if its server does not have it."""
    parts = conninfo_to_dict(url)
    name = str(parts.get("dbname"))
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        if f'database "{name}" does not exist' not in str(error):
            raise ConfigurationError(
                f"no PostgreSQL at {describe(url)} ({_first_line(error)}):"
                " check EVENTMILL_DATABASE_URL"
            ) from None
        with connect(make_conninfo(url, dbname="postgres"), autocommit=True) as connection:
            try:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                pass  # another process was first
            except psycopg.errors.InsufficientPrivilege:
                raise ConfigurationError(
                    f"database {name!r} is missing and this user may not create it:"
                    f' run `create database "{name}"` as an administrator'
                ) from None


@contextmanager
def advisory_lock(connection: psycopg.Connection, name: LiteralString) -> Iterator[None]:
    """Hold the session-level advisory lock `name`; waits for whoever holds it."""
    connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (name,))
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


@contextmanager
def one_moment(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction that sees one moment of the database; `connection` is in autocommit mode."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            yield
    finally:
        if not connection.closed:
            connection.isolation_level = None


def dbt_environment() -> dict[str, str]:
    """The variables that dbt_project/profiles.yml reads."""
    parts = conninfo_to_dict(database_url())
    settings = get_settings()
    return {
        "EVENTMILL_PG_HOST": str(parts.get("host") or "localhost"),
        "EVENTMILL_PG_PORT": str(parts.get("port") or 5432),
        "EVENTMILL_PG_USER": str(parts.get("user") or "postgres"),
        "EVENTMILL_PG_PASSWORD": str(parts.get("password") or ""),
        "EVENTMILL_PG_DATABASE": str(parts.get("dbname") or "eventmill"),
        "EVENTMILL_PG_SSLMODE": str(parts.get("sslmode") or "prefer"),
        "EVENTMILL_FIRST_DAY": settings.first_day.isoformat(),
        "DBT_PROJECT_DIR": str(settings.dbt_project_dir),
        "DBT_PROFILES_DIR": str(settings.dbt_project_dir),
        "DBT_TARGET_PATH": str(settings.dbt_target_dir),
        "DBT_LOG_PATH": str(settings.home / "dbt_logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
