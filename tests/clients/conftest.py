"""A service that real client libraries send to, and where those of Node and browsers are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.ingest_api.support import new_key, served
from tests.support import environment, rows, wait_until
from tools import node

HERE = Path(__file__).parent


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
    """The folder with the `node_modules` that package-lock.json pins."""
    return node.modules(HERE).parent


@pytest.fixture
def run_node(libraries: Path) -> Callable[..., str]:
    """Runs a script of this folder with the libraries at hand; what it printed."""

    def run(script: str, **variables: str) -> str:
        done = node.run(HERE / script, cwd=HERE, LIBRARIES=str(libraries), **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
