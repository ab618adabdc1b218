"""A running ingest service on a database of its own."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from eventmill.core.database import connect
from tests.ingest_api.support import served
from tests.support import environment


@pytest.fixture
def api(database: str) -> Iterator[httpx.Client]:
    """A service that takes events of any age, on this test's own database."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as client:
        yield client


@pytest.fixture(scope="module")
def shared_api(module_database: str) -> Iterator[httpx.Client]:
    """The same, on a database that the module's tests share."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as client:
        yield client


@pytest.fixture(scope="module")
def shared_connection(module_database: str) -> Iterator[psycopg.Connection]:
    with connect(module_database, autocommit=True) as opened:
        yield opened
