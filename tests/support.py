"""What tests share: pointing this process at a database, and reading what is in it."""

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventmill.core import settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from psycopg import Connection

PROJECT_ROOT = settings.PROJECT_ROOT
# Linux gives clients 32768 and up, macOS 49152 and up.
SERVERS_PORTS = range(10_000, 32_000)
_given: set[int] = set()
# What is remembered of the settings; modules that are not loaded remember nothing.
CACHES = {
    "eventmill.core.settings": ("get_settings",),
    "eventmill.core.database": ("database_url", "dagster_database_url"),
    "eventmill.core.tokens": ("signing_secret",),
    "eventmill.core.jwks": ("signing_keys",),
}


def forget_settings() -> None:
    """Make the next read of the settings see the environment as it is now."""
    for module in CACHES.keys() & sys.modules.keys():
        for name in CACHES[module]:
            getattr(sys.modules[module], name).cache_clear()


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Set (or, with None, unset) environment variables, and read the settings anew."""
    before = {name: os.environ.get(name) for name in variables}
    _apply(variables)
    try:
        yield
    finally:
        _apply(before)


def _apply(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    forget_settings()


def run_eventmill(
    *arguments: str, stdin: bytes | None = None, timeout: float = 300, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the `eventmill` command as a user would; never raises for its exit status."""
    command = [str(Path(sys.executable).with_name("eventmill")), *arguments]
    result = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=timeout,
        env={**settings.child_environment(), **variables},
    )
    return subprocess.CompletedProcess(
        command, result.returncode, result.stdout.decode(), result.stderr.decode()
    )


def free_port() -> int:
    """A port that nobody listens on, that no other call returned, and no client is given.

    Not one that the kernel picks: those are for clients too, and until the server starts that is to
    have it, a connection of another worker's tests may come to hold it.
    """
    dice = random.SystemRandom()
    while True:
        port = dice.choice(SERVERS_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


@contextmanager
def serving(app: "FastAPI") -> Iterator[str]:
    """URL of a real server of `app`, in a thread of this process."""
    import uvicorn

    from eventmill.http.connections import BoundedProtocol

    config = uvicorn.Config(
        app, port=0, http=BoundedProtocol, log_level="warning", access_log=False,
        proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(90)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def rows(connection: "Connection", query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), parameters or None).fetchall()


def scalar(connection: "Connection", query: str, *parameters: Any) -> Any:
    return rows(connection, query, *parameters)[0][0]
