"""One database for all tests of the dbt project, built once; each test has days of its own."""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import clone
from tests.dbt_project.warehouse import Warehouse

BOT = "a crawler"
BROWSER = "a browser"
DATABASE = "dbt_project"
_days = itertools.count()


@pytest.fixture(scope="session")
def warehouse(
    server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """The project built in production schemas, with two known user agents and no events."""
    built = Warehouse(clone(server, DATABASE), tmp_path_factory.mktemp("dbt"))
    built.execute(
        "insert into enrichment.user_agents (user_agent, device_type, is_bot, parser_version)"
        " values (%s, 'bot', true, '1'), (%s, 'desktop', false, '1')",
        BOT,
        BROWSER,
    )
    built.execute("insert into enrichment.platform_currency (currency) values ('USD')")
    first = date(2019, 12, 31)
    built.build(first, first, "--exclude-resource-type", "unit_test")
    return built


@pytest.fixture
def day() -> date:
    """The first of ten days that no other test uses."""
    return date(2020, 1, 1) + timedelta(days=10 * next(_days))


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).resolve().parents[2] / "dbt_project"
