"""Runs the services of one home in one terminal, keeps them running, and stops them together."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import httpx

from eventmill.core.errors import ConfigurationError
from eventmill.core.running import SystemState, state_file, write_state
from eventmill.core.settings import get_settings
from eventmill.runner.keeper import Keeper
from eventmill.runner.kept import POLL_SECONDS, Kept, PostgresProcess, ServiceProcess
from eventmill.runner.processes import mark_of, state_of, stop_marked
from eventmill.runner.services import Service, services, takes_connections

START_SECONDS = 120


class Stopped(Exception):
    """Somebody asked the system to stop (Ctrl-C, `eventmill down`)."""


class Supervisor:
    """The running services. Use as a context manager: leaving it stops what it started.

    It raises ConfigurationError then, if it had given up one of them.
    """

    def __init__(self, *, show_logs: bool, postgres: PostgresProcess | None = None) -> None:
        self._show_logs = show_logs
        self._postgres = postgres
        self._keepers: list[Keeper] = []
        self._state = SystemState(supervisor=state_of(os.getpid()))
        self._writing = threading.Lock()
        self._printing = threading.Lock()
        self._has_reader = True
        self._is_up = threading.Event()
        self._stopping = threading.Event()
        self.logs = get_settings().home / "logs"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopping.set()
        mark = mark_of(self._state.supervisor)
        stop_marked(mark)
        for keeper in self._keepers:
            keeper.join()
        stop_marked(mark)  # what a keeper was starting at that moment
        state_file().unlink(missing_ok=True)
        if kind is None or kind is Stopped:
            self._check_processes()

    def start(self) -> None:
        """Start every service; `wait_until_ready` says when they answer."""
        mark = mark_of(self._state.supervisor)
        processes: list[Kept] = [
            *([self._postgres] if self._postgres else []),
            *(ServiceProcess(service, mark, self._show_log) for service in services()),
        ]
        self._keepers = [
            Keeper(process, self._is_up, self._stopping, self._say, self._write)
            for process in processes
        ]
        self._write()
        for keeper in self._keepers:
            keeper.start()

    def _write(self) -> None:
        with self._writing:
            self._state.processes = {keeper.name: keeper.state for keeper in self._keepers}
            write_state(self._state)

    def _show_log(self, line: str) -> None:
        if self._show_logs:
            self._show(line)

    def _say(self, text: str) -> None:
        self._show(f"{'eventmill':>10} | {text}\n")

    def _show(self, text: str) -> None:
        if not self._has_reader:
            return
        with self._printing:
            try:
                sys.stdout.write(text)
                sys.stdout.flush()
            except BrokenPipeError:
                # The service must not get stuck on a log that nobody takes; `check` ends it all.
                self._has_reader = False

    def wait_until_ready(self) -> None:
        """Return when every service answers. Raises ConfigurationError if one ends or is late."""
        deadline = time.monotonic() + START_SECONDS
        for service in services():
            while service.is_asked and not answers(service):
                self.check()
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"{service.name} did not become ready in {START_SECONDS} s:"
                        f" see {self.logs / service.name}.log"
                    )
                time.sleep(POLL_SECONDS)
        self._is_up.set()
        self.check()

    def check(self) -> None:
        """Raise ConfigurationError, with the end of its log, if a process was given up.

        BrokenPipeError if whoever read the logs that are shown has gone.
        """
        self._check_reader()
        self._check_processes()

    def _check_processes(self) -> None:
        if problems := [keeper.problem for keeper in self._keepers if keeper.problem]:
            raise ConfigurationError("; ".join(problems))

    def _check_reader(self) -> None:
        if not self._has_reader:
            raise BrokenPipeError

    def serve(self) -> None:
        """Keep serving until a signal stops us (Stopped), or all was given up."""
        while any(keeper.problem is None for keeper in self._keepers):
            self._check_reader()
            time.sleep(POLL_SECONDS)
        self.check()


def answers(service: Service) -> bool:
    """Whether the service says that it is ready, or takes connections at its socket."""
    if service.socket:
        return takes_connections(service.socket)
    try:
        return httpx.get(f"{service.url}{service.ready_path}", timeout=2).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def stop_on_signal() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Stopped inside the block; later signals are ignored."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped

    before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
