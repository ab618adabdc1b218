"""Databases with dbt's views, made once for the session, and clients with a token of each role."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from dashboards_api.app import create_app
from eventmill.core.database import connect, database_url
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue
from eventmill.runner.embedded import EmbeddedPostgres
from tests.databases import new_database, rename
from tests.dbt_project.warehouse import Warehouse, messages
from tests.support import environment

VIEWS = ("resource_type:seed", "+int_traffic", "metric_definitions")
VIEWS_TEMPLATE = "dashboards_template"
# One after the other, the modules' databases have the same name: dbt's parsed project has it in it.
DATABASE = "dashboards"
BUILT = (
    "visitors", "int_entity_days", "traffic_daily", "int_traffic_days", "int_platform_visitors",
    "int_platform_days", "int_project_days", "attribution", "daily_metrics", "build_receipts",
    "daily_builds",
)  # fmt: skip

Get = Callable[..., Response]


@cache
def _project(url: str) -> Warehouse:
    return Warehouse(url, get_settings().home / "dashboards_dbt")


def dbt(*arguments: str) -> None:
    """Run dbt on the production target of the database that the settings name."""
    project = _project(database_url())
    project.manifest()
    result = project.dbt(*arguments)
    assert result.success, messages(result)


def build(first: date, last: date) -> None:
    """Build the marts of these days, as a run does."""
    _project(database_url()).run(first, last, *BUILT)


@pytest.fixture(scope="session")
def views_template(server: EmbeddedPostgres) -> str:
    with new_database(server, DATABASE) as url:
        dbt(
            "build", "--select", *VIEWS,
            "--exclude-resource-type", "test", "unit_test",
        )  # fmt: skip
        # Where a deployment's is.
        manifest = get_settings().manifest_dir / "manifest.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        _project(url).manifest().writable_manifest().write(str(manifest))
        rename(server, DATABASE, VIEWS_TEMPLATE)
    return VIEWS_TEMPLATE


@pytest.fixture(scope="module")
def views_database(server: EmbeddedPostgres, views_template: str) -> Iterator[str]:
    """URL of a database of this module with dbt's views and no event; the settings point at it."""
    # Most tests put events in and ask again at once; those of the cache turn it on.
    with (
        new_database(server, DATABASE, views_template) as url,
        environment(EVENTMILL_CACHE_MB="0"),
    ):
        yield url


@pytest.fixture(scope="module")
def events(views_database: str) -> Iterator[psycopg.Connection]:
    """A connection to put events in with."""
    with connect(views_database, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def client(views_database: str) -> Iterator[TestClient]:
    with TestClient(create_app()) as started:
        yield started


@pytest.fixture(scope="module")
def get(client: TestClient) -> Get:
    """`get(path, caller, **parameters)`: a call with the caller's token, by default an admin's."""

    def call(path: str, caller: Caller | None = None, **parameters: object) -> Response:
        token = issue(caller or Caller("root", "admin"))
        answer: Response = client.get(
            path,
            params={name: str(value) for name, value in parameters.items()},
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer

    return call
