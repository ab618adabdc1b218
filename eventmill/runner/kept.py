"""The two kinds of process that a supervisor keeps: a service, and the embedded PostgreSQL."""

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from eventmill.core.database import connect
from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import child_environment, get_settings
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.processes import MARK, POSTGRESQL
from eventmill.runner.services import Service, takes_connections

POLL_SECONDS = 0.2
# The last lines of a killed process may still be in its pipe, which its children can hold open.
LAST_LINES_SECONDS = 1
LAST_BYTES = 4096


class Kept(Protocol):
    """A process that can be started again. `start` raises ConfigurationError if it cannot.

    `last_line` is the last that it wrote into its log.
    """

    name: str
    log: Path

    @property
    def pid(self) -> int | None: ...

    @property
    def last_line(self) -> str: ...

    def is_startable(self) -> bool:
        """Whether what it cannot start without is there."""

    def start(self) -> None: ...

    def wait(self, stopping: threading.Event) -> str:
        """Return how it ended, when it has; a PostgreSQL also when `stopping` is set."""


class ServiceProcess:
    """A child of this process. What it prints goes to its log, and to `show` line by line."""

    def __init__(self, service: Service, mark: str, show: Callable[[str], None]) -> None:
        self.name = service.name
        self.log = get_settings().home / "logs" / f"{service.name}.log"
        self.pid: int | None = None
        self.last_line = ""
        self._service = service
        self._mark = mark
        self._show = show
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")

    def is_startable(self) -> bool:
        if self._service.after and not takes_connections(self._service.after):
            return False
        if not self._service.needs_database:
            return True
        try:
            connect(application="eventmill up").close()
        except ConfigurationError:
            return False
        return True

    def start(self) -> None:
        environment = {MARK: self._mark, "DAGSTER_HOME": str(get_settings().dagster_home)}
        self.last_line = ""
        self._child = subprocess.Popen(
            self._service.command,
            env=child_environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal reaches us, and we stop the rest
        )
        self.pid = self._child.pid
        self._copier = threading.Thread(target=self._copy_log, args=(self._child,), daemon=True)
        self._copier.start()

    def _copy_log(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        with self.log.open("ab") as log:
            for line in child.stdout:
                log.write(line)
                log.flush()
                text = line.decode(errors="replace")
                self.last_line = text.strip() or self.last_line
                self._show(f"{self.name:>10} | {text}")

    def wait(self, stopping: threading.Event) -> str:
        status = self._child.wait()
        self._copier.join(LAST_LINES_SECONDS)
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


class PostgresProcess:
    """The embedded server: nobody's child, so that commands may use it without this system."""

    name = POSTGRESQL

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.log = server.log
        self.was_started = False
        """Whether it was started here, and is to be stopped here."""
        self._server = server

    @property
    def pid(self) -> int | None:
        return self._server.pid()

    @property
    def last_line(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - LAST_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def is_startable(self) -> bool:
        return True

    def start(self) -> None:
        self.was_started |= self._server.start()

    def wait(self, stopping: threading.Event) -> str:
        while self.pid is not None and not stopping.wait(POLL_SECONDS):
            pass
        return "an unknown status"

    def stop(self) -> None:
        if self.was_started:
            self._server.stop()
