"""Runs the services of one home in one terminal, and stops them together.

What runs is written to `<home>/run/up.json`, so that `eventmill down` and `eventmill status` find
it from another terminal, also after the supervisor itself was killed.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import child_environment, get_settings
from eventmill.runner.services import Service, services

START_SECONDS = 120
STOP_SECONDS = 20
POLL_SECONDS = 0.2


class Stopped(Exception):
    """Somebody asked the system to stop (Ctrl-C, `eventmill down`)."""


class Supervisor:
    """The running services. Use as a context manager: leaving it stops what it started."""

    def __init__(self, *, show_logs: bool) -> None:
        self._show_logs = show_logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._printing = threading.Lock()
        self._has_reader = True
        self.logs = get_settings().home / "logs"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        stop_trees([psutil.Process(c.pid) for c in self._children.values() if c.poll() is None])
        for child in self._children.values():
            child.wait()
        _state_file().unlink(missing_ok=True)

    def start(self) -> None:
        """Start every service; `wait_until_ready` says when they answer."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for service in services():
            self._start(service)
        _write_state({name: child.pid for name, child in self._children.items()})

    def _start(self, service: Service) -> None:
        environment = child_environment(DAGSTER_HOME=str(get_settings().dagster_home))
        child = subprocess.Popen(
            service.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal reaches us, and we stop the rest
        )
        self._children[service.name] = child
        threading.Thread(target=self._copy_log, args=(service.name, child), daemon=True).start()

    def _copy_log(self, name: str, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        with (self.logs / f"{name}.log").open("wb") as log:
            for line in child.stdout:
                log.write(line)
                log.flush()
                if self._show_logs and self._has_reader:
                    self._show(f"{name:>10} | {line.decode(errors='replace')}")

    def _show(self, text: str) -> None:
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
            while service.url is not None and not answers(service):
                self.check()
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"{service.name} did not become ready in {START_SECONDS} s:"
                        f" see {self.logs / service.name}.log"
                    )
                time.sleep(POLL_SECONDS)
        self.check()

    def check(self) -> None:
        """Raise ConfigurationError, with the end of its log, if a service has ended.

        BrokenPipeError if whoever read the logs that are shown has gone.
        """
        if not self._has_reader:
            raise BrokenPipeError
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self.logs / f"{name}.log"
                lines = [line for line in log.read_text(errors="replace").splitlines() if line]
                raise ConfigurationError(
                    f"{name} ended with status {child.returncode}:"
                    f" {lines[-1].strip() if lines else 'it said nothing'} (its log: {log})"
                )

    def serve(self) -> None:
        """Keep serving until a service ends (ConfigurationError) or a signal stops us (Stopped)."""
        while True:
            self.check()
            time.sleep(POLL_SECONDS)


def answers(service: Service) -> bool:
    """Whether the service says that it is ready."""
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


def stop_trees(roots: list[psutil.Process]) -> None:
    """Terminate processes and all their descendants; kill what is left after STOP_SECONDS."""
    everyone = {p for root in roots if root.is_running() for p in _tree(root)}
    # Parents first ask their own children to stop; a daemon's code server goes with the daemon.
    for root in roots:
        _signal(root, signal.SIGTERM)
    _, alive = psutil.wait_procs(roots, timeout=STOP_SECONDS)
    for process in (*alive, *everyone):
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(list(everyone), timeout=STOP_SECONDS)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _state_file() -> Path:
    return get_settings().home / "run" / "up.json"


def _write_state(children: dict[str, int]) -> None:
    pids = {"supervisor": os.getpid(), **children}
    state = {name: [pid, psutil.Process(pid).create_time()] for name, pid in pids.items()}
    path = _state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".tmp").write_text(json.dumps(state))
    path.with_suffix(".tmp").replace(path)


def running_processes() -> dict[str, psutil.Process]:
    """Name → process of what runs for this home; a reused process id is not mistaken for ours."""
    try:
        state: dict[str, Any] = json.loads(_state_file().read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    found = {}
    for name, (pid, created) in state.items():
        try:
            process = psutil.Process(pid)
            if abs(process.create_time() - created) < 1:
                found[name] = process
        except psutil.NoSuchProcess:
            continue
    return found


def require_not_running() -> None:
    """Raise ConfigurationError if this home's system is already up."""
    if running := running_processes().get("supervisor"):
        raise ConfigurationError(
            f"Eventmill already runs for this home (process {running.pid}):"
            " `eventmill down` stops it"
        )


def stop_everything() -> list[str]:
    """Stop what runs for this home, from any process. Returns the names of what was stopped."""
    running = running_processes()
    if supervisor := running.get("supervisor"):
        _signal(supervisor, signal.SIGTERM)
        psutil.wait_procs([supervisor], timeout=2 * STOP_SECONDS)
    left = [process for process in running.values() if process.is_running()]
    stop_trees(left)
    _state_file().unlink(missing_ok=True)
    return list(running)
