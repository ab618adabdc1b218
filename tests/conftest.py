"""One embedded PostgreSQL for the session of each worker; databases are cloned from a template.

Nothing is imported here that a test without a server does not need: `make check` waits for it.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.chromium import pytest_terminal_summary  # noqa: F401  a hook of pytest, found here

# Hooks of pytest, found here.
from tests.workers import (  # noqa: F401
    pytest_collection_modifyitems,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

if TYPE_CHECKING:
    from psycopg import Connection

    from eventmill.runner.embedded import EmbeddedPostgres

# A worker keeps Dagster, a manifest and the tests' results: looking at all of that again and again
# takes a twentieth of the suite's time.
gc.set_threshold(100_000, 50, 1_000)

# The same cases each time: a failure is one of this change, and can be run again.
# How fast inputs are drawn says something about the machine only.
slow = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile(
    "suite", derandomize=True, database=None, suppress_health_check=slow
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of the session's system. Its dbt manifest and PostgreSQL are shared by all tests."""
    from tests.support import environment

    folder = tmp_path_factory.mktemp("home")
    clean = {name: None for name in os.environ if name.startswith("EVENTMILL_")}
    # Most tests send days of 2015, with every kind of key, all of them from one address.
    ever = {
        "EVENTMILL_PUBLISHABLE_PAST_HOURS": "1000000",
        "EVENTMILL_ADDRESS_EVENTS_PER_MINUTE": "10000000",
    }
    with environment(**{**clean, **ever, "EVENTMILL_HOME": str(folder)}):
        yield folder


@pytest.fixture(scope="session")
def processes() -> None:
    """For tests that start processes and no server: they are no unit tests (tests/workers.py)."""


@pytest.fixture(scope="session")
def server(home: Path) -> "Iterator[EmbeddedPostgres]":
    """A running embedded PostgreSQL with a migrated template database."""
    from tests.databases import running_server

    with running_server(home) as started:
        yield started


@pytest.fixture
def database(server: "EmbeddedPostgres") -> Iterator[str]:
    """URL of a migrated database of this test's own; the settings point at it."""
    from tests.databases import new_database

    with new_database(server, "test") as url:
        yield url


@pytest.fixture(scope="module")
def module_database(server: "EmbeddedPostgres") -> Iterator[str]:
    """URL of a migrated database that a module's tests share; the settings point at it."""
    from tests.databases import MODULE_DATABASE, new_database

    with new_database(server, MODULE_DATABASE) as url:
        yield url


@pytest.fixture
def connection(database: str) -> "Iterator[Connection]":
    """An autocommit connection to this test's own database."""
    from eventmill.core.database import connect

    with connect(database, autocommit=True) as opened:
        yield opened
