"""A Dagster instance beside the module's database."""

from collections.abc import Iterator

import psycopg
import pytest
from dagster import DagsterInstance

from eventmill.core.database import connect


@pytest.fixture(scope="module")
def instance(module_database: str) -> Iterator[DagsterInstance]:
    """The instance of the session's home, with its state beside this module's database."""
    from orchestration.instance import open_instance, prepare_instance

    prepare_instance()
    with open_instance() as opened:
        yield opened


@pytest.fixture(scope="module")
def warehouse(module_database: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to the database that this module's tests share."""
    with connect(module_database, autocommit=True) as opened:
        yield opened
