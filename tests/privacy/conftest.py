"""Databases with the whole dbt project in them, built as runs build it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from eventmill.database import connect
from eventmill.embedded import EmbeddedPostgres
from tests.conftest import clone, url_of
from tests.dbt_project.warehouse import Warehouse
from tests.privacy.support import DAY
from tests.support import environment

BUILT = "privacy_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def dbt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("privacy_dbt")


@pytest.fixture(scope="session")
def built_template(server: EmbeddedPostgres, dbt_folder: Path) -> str:
    """Every model built for a day without events, so that each table is there."""
    template = Warehouse(clone(server, BUILT), dbt_folder)
    template.execute("insert into enrichment.platform_currency (currency) values ('USD')")
    template.build(DAY, DAY, "--exclude-resource-type", "test", "unit_test")
    template.execute("truncate marts.build_receipts")
    return BUILT


@pytest.fixture
def warehouse(
    server: EmbeddedPostgres, built_template: str, dbt_folder: Path
) -> Iterator[Warehouse]:
    """A database of this test's own with every model and no event; the settings point at it."""
    name = f"privacy_{next(_numbers)}"
    url = clone(server, name, built_template)
    with environment(EVENTMILL_DATABASE_URL=url):
        yield Warehouse(url, dbt_folder)
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    with connect(warehouse.url, autocommit=True) as opened:
        yield opened
