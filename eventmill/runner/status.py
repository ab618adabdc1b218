"""What `eventmill status` reports, without starting anything."""

from typing import Any

import psycopg

from eventmill.core.database import connect, database_url, describe
from eventmill.core.errors import ConfigurationError
from eventmill.core.migrate import require_current
from eventmill.core.settings import get_settings
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.services import services
from eventmill.runner.supervisor import answers, running_processes

# Counting is for information: a table too large to count quickly is reported without a number.
COUNT_MILLISECONDS = 5_000


def report() -> dict[str, Any]:
    """State of the home, its services, its database and what has been built, as plain JSON."""
    settings = get_settings()
    running = running_processes()
    return {
        "home": str(settings.home),
        "services": [
            {
                "name": service.name,
                "url": service.url,
                "pid": running[service.name].pid if service.name in running else None,
                "ready": answers(service) if service.url else service.name in running,
            }
            for service in services()
        ],
        "database": _database(),
    }


def _database() -> dict[str, Any]:
    settings = get_settings()
    embedded = settings.database_url is None
    found: dict[str, Any] = {"embedded": embedded, "location": describe(database_url())}
    if embedded and EmbeddedPostgres(settings.home).pid() is None:
        return {**found, "running": False}
    try:
        with connect(autocommit=True, application="eventmill status") as connection:
            found |= {"running": True, "server_version": connection.info.server_version // 10000}
            require_current(connection)
            connection.execute(f"set statement_timeout = {COUNT_MILLISECONDS}")
            return {**found, "events": _events(connection), "built": _built(connection)}
    except ConfigurationError as error:
        return {"running": False, **found, "problem": str(error)}


def _events(connection: psycopg.Connection) -> int | None:
    try:
        row = connection.execute("select count(*) from raw.events").fetchone()
    except psycopg.errors.QueryCanceled:
        return None
    return int(row[0]) if row else 0


def _built(connection: psycopg.Connection) -> dict[str, Any] | None:
    """Which days have been built; None before the first build."""
    try:
        row = connection.execute(
            "select count(*), min(date), max(date), max(built_at) from marts.daily_builds"
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    if row is None or row[0] == 0:
        return None
    days, first, last, at = row
    return {
        "days": days,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "built_at": at.isoformat(),
    }
