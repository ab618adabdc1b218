"""Databases with dbt's views, made once for the session, and clients with a token of each role."""

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from dashboards_api.app import create_app
from eventmill.database import connect, dbt_environment
from eventmill.embedded import EmbeddedPostgres
from eventmill.settings import child_environment, get_settings
from eventmill.tokens import Caller, issue
from tests.conftest import clone
from tests.support import environment

VIEWS = ("resource_type:seed", "+int_traffic", "metric_definitions")
VIEWS_TEMPLATE = "dashboards_template"
_numbers = itertools.count(1)

Get = Callable[..., Response]


def dbt(*arguments: str) -> None:
    """Run dbt on the production target of the database that the settings name."""
    program = str(Path(sys.executable).with_name("dbt"))
    command = [program, "--quiet", "--log-level-file", "none", *arguments]
    result = subprocess.run(
        [*command, "--target", "prod"],
        env=child_environment(**dbt_environment()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def publish_manifest() -> None:
    """Put the manifest that dbt just wrote where a deployment's is."""
    settings = get_settings()
    settings.manifest_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(settings.dbt_target_dir / "manifest.json", settings.manifest_dir)


def build(first: date, last: date) -> None:
    """Build the marts of these days, as a run does."""
    dbt(
        "run", "--select", "visitors", "int_entity_days",
        "traffic_daily", "int_traffic_days", "int_platform_visitors", "int_platform_days",
        "int_project_days",
        "attribution", "daily_metrics", "build_receipts", "daily_builds",
        "--event-time-start", str(first), "--event-time-end", str(last + timedelta(days=1)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def views_template(server: EmbeddedPostgres) -> str:
    url = clone(server, VIEWS_TEMPLATE)
    with environment(EVENTMILL_DATABASE_URL=url):
        dbt(
            "build", "--select", *VIEWS,
            "--exclude-resource-type", "test", "unit_test",
        )  # fmt: skip
    publish_manifest()
    return VIEWS_TEMPLATE


@pytest.fixture(scope="module")
def views_database(server: EmbeddedPostgres, views_template: str) -> Iterator[str]:
    """URL of a database of this module with dbt's views and no event; the settings point at it."""
    url = clone(server, f"dashboards_{next(_numbers)}", views_template)
    # Most tests put events in and ask again at once; those of the cache turn it on.
    with environment(EVENTMILL_DATABASE_URL=url, EVENTMILL_CACHE_MB="0"):
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
