"""The demo, started once as a user would, for every test that looks at a whole running system."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from eventmill.core.settings import PROJECT_ROOT
from eventmill.runner.embedded import EmbeddedPostgres
from tests.support import free_port, rows

START_SECONDS = 600
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

    def shell(self, command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
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
    # What `make test ARGS=…` was given is not for the `make` of a document.
    for name in ("PYTHONDONTWRITEBYTECODE", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS"):
        clean.pop(name, None)
    path = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    return {
        **clean,
        **{port: str(free_port()) for port in PORTS},
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
    return running.process.wait(timeout=180)


def built_days(demo: RunningDemo) -> list[str]:
    """The sample's four days, and what another test may have had built."""
    with demo.connect() as connection:
        days = rows(connection, "select date::text from marts.daily_builds order by date")
    return [day for (day,) in days]


@pytest.fixture(scope="session")
def _demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningDemo]]:
    """The demos of one home, one after the other; at most the last one runs."""
    started = [start_demo(demo_environment(tmp_path_factory.mktemp("demo") / "home"))]
    yield started
    if started[-1].process.poll() is None:
        stop_demo(started[-1])


@pytest.fixture
def demo(_demos: list[RunningDemo]) -> RunningDemo:
    """The session's demo, which serves: started again if a test has stopped it."""
    if _demos[-1].process.poll() is not None:
        _demos.append(start_demo(_demos[-1].environment))
    return _demos[-1]
