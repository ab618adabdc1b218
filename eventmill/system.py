"""Starting a whole system: database, migrations, Dagster's state, dbt's views, the services."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from eventmill.database import connect, database_url, ensure_database, ensure_server
from eventmill.embedded import EmbeddedPostgres
from eventmill.errors import ConfigurationError
from eventmill.migrate import migrate
from eventmill.services import require_free_ports
from eventmill.settings import child_environment, get_settings
from eventmill.supervisor import Supervisor, require_not_running, stop_on_signal


def ensure_ready_database() -> bool:
    """Server up, database there, migrations applied. True if the embedded server was started."""
    started = ensure_server()
    ensure_database(database_url())
    with connect(autocommit=True, application="eventmill migrate") as connection:
        migrate(connection)
    return started


@contextmanager
def running_system(*, show_logs: bool) -> Iterator[Supervisor]:
    """A started system, all services ready; leaving the block stops all that this call started.

    Raises Stopped on Ctrl-C or SIGTERM, and ConfigurationError when something cannot start.
    """
    require_not_running()
    require_free_ports()
    started_server = False
    with stop_on_signal():
        try:
            started_server = ensure_ready_database()
            prepare_orchestration()
            with Supervisor(show_logs=show_logs) as supervisor:
                supervisor.start()
                supervisor.wait_until_ready()
                yield supervisor
        finally:
            if started_server:
                EmbeddedPostgres(get_settings().home).stop()


def prepare_orchestration() -> None:
    """Make Dagster's state and dbt's views, in a process of its own: the kernel imports neither."""
    result = subprocess.run(
        [sys.executable, "-m", "orchestration.prepare"],
        env=child_environment(),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        last = result.stdout.strip().splitlines()[-1:] or ["it said nothing"]
        raise ConfigurationError(f"Dagster and dbt could not be prepared: {last[0]}")
