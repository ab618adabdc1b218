"""The demo, started once as a user would, for every test that looks at a whole running system."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from eventmill.embedded import EmbeddedPostgres
from eventmill.settings import PROJECT_ROOT

START_SECONDS = 300
PORTS = ("EVENTMILL_INGEST_PORT", "EVENTMILL_DASHBOARDS_PORT", "EVENTMILL_DAGSTER_PORT")


@dataclass
class RunningDemo:
    """A demo that keeps serving: its environment, its process and what it has printed."""

    environment: dict[str, str]
    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return Path(self.environment["EVENTMILL_HOME"])

    def port(self, name: str) -> int:
        return int(self.environment[f"EVENTMILL_{name.upper()}_PORT"])

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(EmbeddedPostgres(self.home).url, autocommit=True)

    def shell(self, command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run `command` in a shell, in the project's folder, with this system's settings."""
        return subprocess.run(
            ["bash", "-c", command],
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            check=False,
            text=True,
            timeout=timeout,
        )


def demo_environment(home: Path) -> dict[str, str]:
    """This process's environment with a home and three free ports of the demo's own."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("EVENTMILL_", "DAGSTER_"))}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for probe in (a, b, c):
            probe.bind(("127.0.0.1", 0))
        ports = [str(probe.getsockname()[1]) for probe in (a, b, c)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    return {
        **clean,
        **dict(zip(PORTS, ports, strict=True)),
        "EVENTMILL_HOME": str(home),
        "EVENTMILL_REBUILD_MINUTES": "0.5",
        "PATH": path,
    }


def start_demo(environment: dict[str, str]) -> RunningDemo:
    """`eventmill demo`, returned when it serves; fails with what it printed if it does not."""
    process = subprocess.Popen(
        ["eventmill", "demo"],
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = RunningDemo(environment, process)
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None
    for line in process.stdout:
        running.printed.append(line)
        if line.startswith("Serving."):
            watchdog.cancel()
            return running
    watchdog.cancel()
    raise AssertionError("the demo did not come to serve:\n" + "".join(running.printed))


def stop_demo(running: RunningDemo) -> int:
    """Ctrl-C in the demo's terminal; returns its exit status."""
    running.process.send_signal(signal.SIGINT)
    return running.process.wait(timeout=90)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = start_demo(demo_environment(tmp_path_factory.mktemp("demo") / "home"))
    yield running
    if running.process.poll() is None:
        stop_demo(running)
