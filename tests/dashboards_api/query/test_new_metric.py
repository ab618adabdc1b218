"""An analyst's new metric is in the schema, and is answered, without a change in the API."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from dashboards_api.app import create_app
from eventmill.core.database import connect, dbt_environment
from eventmill.core.days import utc_today
from eventmill.core.settings import PROJECT_ROOT, child_environment, get_settings
from eventmill.core.tokens import Caller, issue
from eventmill.runner.embedded import EmbeddedPostgres
from tests.dashboards_api.support import Event, at, insert
from tests.databases import url_of
from tests.support import environment

TODAY = utc_today()
BUILT_DAY = TODAY - timedelta(days=2)
QUERY = {"metrics": ["searches"], "dimensions": ["asset"], "order_by": ["-searches"]}

# What docs/how-to/analysts.md tells an analyst to write, file by file: after this text, that one.
COLUMN = """      - name: searches
        description: Searches that were made.
"""
EDITS = {
    "macros/definitions/traffic.sql": [("'engagement_time'", ", 'searches'")],
    "models/intermediate/int_traffic.sql": [
        ("    1 as events,\n", "    (event_type = 'search_performed')::integer as searches,\n")
    ],
    "models/intermediate/int_traffic.yml": [("    columns:\n", COLUMN)],
    "models/intermediate/int_traffic_days.yml": [("    columns:\n", COLUMN)],
    "models/marts/traffic_daily.yml": [
        (
            "    columns:\n",
            COLUMN
            + "        data_type: bigint\n"
            + "        config: {meta: {query: {metric: searches, aggregate: sum}}}\n",
        )
    ],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project, as it is."""
    folder = tmp_path / "dbt_project"
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs")
    )
    return folder


@pytest.fixture
def system(
    home: Path, server: EmbeddedPostgres, views_template: str, tmp_path: Path
) -> Iterator[str]:
    """A database and a home of this test's own; the manifest in it is the project's as it is."""
    manifest = get_settings().manifest_dir / "manifest.json"
    target = tmp_path / "home" / "dbt_target" / "dagster"
    target.mkdir(parents=True)
    shutil.copy(manifest, target)
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"create database new_metric template {views_template}".encode())
    url = url_of(server, "new_metric")
    with environment(
        EVENTMILL_DATABASE_URL=url, EVENTMILL_HOME=str(tmp_path / "home"), EVENTMILL_CACHE_MB="0"
    ):
        yield url


def add_the_metric(project: Path) -> None:
    for name, edits in EDITS.items():
        text = (project / name).read_text()
        for after, added in edits:
            assert after in text, (name, after)
            text = text.replace(after, after + added, 1)
        (project / name).write_text(text)


def build(project: Path, day: date) -> None:
    folders = {"DBT_PROJECT_DIR": str(project), "DBT_PROFILES_DIR": str(project)}
    result = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")), "--quiet", "run", "--target", "prod",
            "--select", "int_traffic", "visitors", "int_entity_days", "traffic_daily",
            "int_traffic_days", "int_platform_visitors", "attribution", "daily_metrics",
            "build_receipts", "daily_builds",
            "--event-time-start", str(day), "--event-time-end", str(day + timedelta(days=1)),
        ],
        env=child_environment(**{**dbt_environment(), **folders}),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    # dbt has just written the manifest; there a deployment's is.
    shutil.copy(get_settings().dbt_target_dir / "manifest.json", get_settings().manifest_dir)


def test_a_new_metric_appears_and_is_answered(system: str, project: Path) -> None:
    with connect(system, autocommit=True) as connection:
        insert(
            connection,
            *(
                Event(event_type=kind, occurred_at=at(day, 0), ip_asset_id=asset, visitor_id=asset)
                for kind, asset, days in (
                    ("search_performed", "a", [BUILT_DAY, BUILT_DAY, TODAY]),
                    ("search_performed", "b", [TODAY]),
                    ("asset_viewed", "b", [BUILT_DAY, TODAY]),
                )
                for day in days
            ),
        )
    with TestClient(create_app()) as client:

        def call(method: str, path: str, body: Any = None) -> Response:
            token = issue(Caller("root", "admin"))
            headers = {"Authorization": f"Bearer {token}"}
            return client.request(method, path, json=body, headers=headers)

        def known() -> set[str]:
            datasets = call("GET", "/v1/query/schema").json()["datasets"]
            return {metric["name"] for dataset in datasets for metric in dataset["metrics"]}

        assert "searches" not in known()
        assert call("POST", "/v1/query", QUERY).status_code == 422
        add_the_metric(project)
        build(project, BUILT_DAY)
        assert "searches" in known()
        answer = call("POST", "/v1/query", QUERY).json()
        assert answer["rows"] == [{"asset": "a", "searches": 3}, {"asset": "b", "searches": 1}]
        by_channel = call("POST", "/v1/query", {"metrics": ["searches"], "dimensions": ["channel"]})
        assert by_channel.json()["rows"] == [{"channel": "direct", "searches": 4}]
