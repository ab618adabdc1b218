"""Databases with the whole dbt project in them, built as runs build it."""

from collections.abc import Iterator

import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import new_database, rename
from tests.dbt_project.warehouse import Warehouse
from tests.privacy.support import DAY

# One after the other, the tests' databases have the same name: dbt's parsed project has it in it.
DATABASE = "privacy"
BUILT = "privacy_template"


@pytest.fixture(scope="session")
def project(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Every model built for a day without events, so that each table is there."""
    with new_database(server, DATABASE) as url:
        project = Warehouse(url, tmp_path_factory.mktemp("privacy_dbt"))
        project.execute("insert into enrichment.platform_currency (currency) values ('USD')")
        project.build(DAY, DAY, "--exclude-resource-type", "test", "unit_test")
        project.execute("truncate marts.build_receipts")
        rename(server, DATABASE, BUILT)
    return project


@pytest.fixture
def warehouse(server: EmbeddedPostgres, project: Warehouse) -> Iterator[Warehouse]:
    """A database of this test's own with every model and no event; the settings point at it."""
    with new_database(server, DATABASE, BUILT):
        yield project


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    with connect(warehouse.url, autocommit=True) as opened:
        yield opened
