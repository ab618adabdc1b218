"""Opening the system's database: for a command, and at the start of a system.

A command never migrates a database that is in use. It starts the embedded server if that is down.
It refuses a database of another version, in one line that names the command to run. A command that
stores something may also make the embedded database of a home that has none yet.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from eventmill.core.currency import settle_currency
from eventmill.core.database import connect, database_url, ensure_database
from eventmill.core.migrate import is_empty, migrate, require_current
from eventmill.core.plan_store import store_plan, stored_types
from eventmill.core.settings import get_settings
from eventmill.core.tracking_plan import tracking_plan

_start_server: Callable[[], bool] | None = None


def start_servers_with(start: Callable[[], bool]) -> None:
    """Tell how the embedded server is started; the runner does, which owns it."""
    global _start_server
    _start_server = start


def start_server() -> bool:
    """Start the embedded server if it is the one in use and is down. True if it was started."""
    if _start_server is None or get_settings().database_url is not None:
        return False
    return _start_server()


def open_database(*, to_store: bool = False) -> None:
    """Raise what `open_connection` raises; for a command that connects by itself."""
    with open_connection("eventmill", to_store=to_store):
        pass


@contextmanager
def open_connection(application: str, *, to_store: bool = False) -> Iterator[psycopg.Connection]:
    """An autocommit connection to the system's database.

    Raises ConfigurationError unless this version can use the database. `to_store`: the command
    stores something: it may make a new home's database, and stores the plan where there is none.
    """
    start_server()
    may_make = to_store and get_settings().database_url is None
    if may_make:
        ensure_database(database_url())
    with connect(autocommit=True, application=application) as connection:
        if may_make and is_empty(connection):
            set_up(connection)
        require_current(connection)
        # After `eventmill migrate` alone there is none, and no event of a build would be of it.
        if to_store and not stored_types(connection):
            store_plan(connection, tracking_plan())
        yield connection


def set_up(connection: psycopg.Connection) -> list[str]:
    """What the start of a system does: migrate, store its tracking plan, settle its currency.

    Returns the migrations applied. `connection` must be in autocommit mode.
    """
    applied = migrate(connection)
    store_plan(connection, tracking_plan())
    settle_currency(connection)
    return applied
