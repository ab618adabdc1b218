"""What `eventmill status` reports, without starting anything."""

from typing import Any

import psycopg

from eventmill.core.database import connect, database_url, describe
from eventmill.core.errors import ConfigurationError
from eventmill.core.migrate import require_current
from eventmill.core.relations import has_builds
from eventmill.core.running import ProcessState, read_state
from eventmill.core.settings import get_settings
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.processes import POSTGRESQL, running_processes
from eventmill.runner.services import Service, services
from eventmill.runner.supervisor import answers

# Counting is for information: a table too large to count quickly is reported without a number.
COUNT_MILLISECONDS = 5_000


def report() -> dict[str, Any]:
    """State of the home, its services, its database and what has been built, as plain JSON."""
    settings = get_settings()
    state = read_state()
    kept = state.processes if state else {}
    running = {name: process.pid for name, process in running_processes().items()}
    return {
        "home": str(settings.home),
        "services": [
            _service(service, running.get(service.name), kept.get(service.name, ProcessState()))
            for service in services()
        ],
        "database": {**_database(), **_history(kept.get(POSTGRESQL, ProcessState()))},
    }


def _service(service: Service, pid: int | None, kept: ProcessState) -> dict[str, Any]:
    is_ready = answers(service) if service.is_asked else pid is not None
    state = (
        "ready" if is_ready else "given up" if kept.is_given_up
        else "starting" if pid else "waiting" if kept.last_exit else "down"
    )  # fmt: skip
    found = {"name": service.name, "url": service.url, "pid": pid}
    return {**found, "ready": is_ready, "state": state, **_history(kept)}


def _history(kept: ProcessState) -> dict[str, Any]:
    """How often it was started again since `up`, and how it ended last."""
    return kept.model_dump(mode="json", include={"restarts", "last_exit"})


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
    if not has_builds(connection):
        return None
    [(days, first, last, at)] = connection.execute(
        "select count(*), min(date), max(date), max(built_at) from marts.daily_builds"
    ).fetchall()
    if not days:
        return None
    return {
        "days": days,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "built_at": at.isoformat(),
    }
