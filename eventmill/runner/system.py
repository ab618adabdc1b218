"""Starting a whole system: database, migrations, Dagster's state, dbt's views, the services."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventmill.core.database import connect, database_url, ensure_database
from eventmill.core.errors import ConfigurationError
from eventmill.core.opening import set_up
from eventmill.core.secret_files import tighten_home
from eventmill.core.settings import child_environment, get_settings
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.kept import PostgresProcess
from eventmill.runner.processes import require_not_running
from eventmill.runner.services import require_free_ports
from eventmill.runner.supervisor import Supervisor, stop_on_signal
from orchestration.guard import require_login


@contextmanager
def running_system(*, show_logs: bool) -> Iterator[Supervisor]:
    """A started system, all services ready; leaving the block stops all that this call started.

    Raises Stopped on Ctrl-C or SIGTERM, and ConfigurationError when something cannot start or, at
    the end, if a process died too often and was given up.
    """
    require_not_running()
    settings = get_settings()
    require_login(settings)
    require_free_ports()
    tighten_home()
    postgres = None if settings.database_url else PostgresProcess(EmbeddedPostgres(settings.home))
    with stop_on_signal():
        try:
            if postgres:
                postgres.start()
            ensure_database(database_url())
            with connect(autocommit=True, application="eventmill up") as connection:
                set_up(connection)
            prepare_orchestration()
            with Supervisor(show_logs=show_logs, postgres=postgres) as supervisor:
                supervisor.start()
                supervisor.wait_until_ready()
                yield supervisor
        finally:
            if postgres:
                postgres.stop()


def prepare_orchestration() -> None:
    """Make Dagster's state and dbt's views, in a process of its own: the kernel imports neither."""
    result = subprocess.run(
        [str(Path(sys.executable).with_name("eventmill")), "prepare"],
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
