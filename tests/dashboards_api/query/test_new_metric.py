"""An analyst's new metrics are in the schema, and are answered, without a change in the API."""

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
ADMIN = Caller("root", "admin")

# What an analyst writes in models/metrics.yml: after a line of it, these.
EDITS = {
    "    measures:\n": """\
      - name: searches
        description: Searches that were made.
        agg: sum
        expr: (event_type = 'search_performed')::integer
        create_metric: true
      - name: searchers
        description: Different visitors who searched.
        agg: count_distinct
        expr: case when event_type = 'search_performed' then visitor_id end
        create_metric: true
""",
    "metrics:\n": """\
  - name: licenses_per_view
    label: Licenses per view
    description: Licenses created for each view of an asset.
    type: ratio
    type_params: {numerator: conversions, denominator: views}
  - name: searches_from_spring
    label: Searches from spring
    description: Searches of visitors of the campaign, which admins see.
    type: simple
    type_params: {measure: searches}
    filter: "{{ Dimension('event__campaign') }} = 'spring'"
    config: {meta: {roles: [admin]}}
  - name: searches_a_head
    label: Searches a head
    description: Searches of a visitor who searched.
    type: derived
    type_params:
      expr: all_of_them / searchers
      metrics: [{name: searches, alias: all_of_them}, searchers]
""",
    "    dimensions:\n": """\
      - {name: locale, type: categorical, expr: props_json ->> 'locale', description: The language.}
""",
}
NEW = {"searches", "searchers", "licenses_per_view", "searches_from_spring", "searches_a_head"}


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


def add_the_metrics(project: Path) -> None:
    path = project / "models" / "metrics.yml"
    text = path.read_text()
    for after, added in EDITS.items():
        assert f"\n{after}" in text, after
        text = text.replace(f"\n{after}", f"\n{after}{added}", 1)
    path.write_text(text)


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


def test_new_metrics_and_a_dimension_appear_and_are_answered(system: str, project: Path) -> None:
    """Sums, different visitors, ratios: on built days and on today."""
    days = (BUILT_DAY, TODAY)
    events = [
        Event(
            event_type=kind,
            occurred_at=at(day, number),
            ip_asset_id=asset,
            visitor_id=who,
            props_json={"locale": locale} if locale else {},
            utm_campaign=campaign,
        )
        for day in days
        for number, (kind, asset, who, locale, campaign) in enumerate(
            [
                ("search_performed", "a", "ann", "de-DE", None),
                ("search_performed", "a", "ann", "de-DE", "spring"),
                ("search_performed", "a", f"bob {day}", "fr-FR", "spring"),
                ("search_performed", "b", "ann", None, None),
                ("asset_viewed", "a", "eve", "fr-FR", None),
                ("asset_viewed", "a", "ann", "fr-FR", None),
                ("asset_viewed", "b", "eve", "fr-FR", None),
                ("license_created", "a", "eve", "fr-FR", None),
            ]
        )
    ]
    with connect(system, autocommit=True) as connection:
        insert(connection, *events)
    with TestClient(create_app()) as client:

        def call(method: str, path: str, body: Any = None, caller: Caller = ADMIN) -> Response:
            headers = {"Authorization": f"Bearer {issue(caller)}"}
            return client.request(method, path, json=body, headers=headers)

        def known(caller: Caller = ADMIN) -> dict[str, set[str]]:
            [traffic] = [
                dataset
                for dataset in call("GET", "/v1/query/schema", caller=caller).json()["datasets"]
                if dataset["name"] == "traffic"
            ]
            return {
                kind: {one["name"] for one in traffic[kind]} for kind in ("metrics", "dimensions")
            }

        def ask(*metrics: str, **body: Any) -> list[dict[str, Any]]:
            answer = call("POST", "/v1/query", {"metrics": metrics, **body})
            assert answer.status_code == 200, answer.text
            rows: list[dict[str, Any]] = answer.json()["rows"]
            return rows

        assert not known()["metrics"] & NEW
        assert call("POST", "/v1/query", {"metrics": ["searches"]}).status_code == 422
        add_the_metrics(project)
        build(project, BUILT_DAY)
        assert known()["metrics"] >= NEW
        assert "locale" in known()["dimensions"]

        everything = ask(*sorted(NEW), "unique_visitors", "views")
        assert everything == [
            {
                "searches": 8, "searchers": 3, "licenses_per_view": 2 / 6,
                "searches_from_spring": 4, "searches_a_head": 8 / 3,
                "unique_visitors": 4, "views": 6,
            }
        ]  # fmt: skip
        ratio = ask("licenses_per_view", "searchers", dimensions=["asset"])
        assert ratio == [
            {"asset": "a", "licenses_per_view": 0.5, "searchers": 3},
            {"asset": "b", "licenses_per_view": 0.0, "searchers": 1},
        ]
        # No view has this language: a quotient by 0 is none, and comes last.
        by_locale = ask("licenses_per_view", "searches", dimensions=["locale"])
        assert by_locale == [
            {"locale": "fr-FR", "licenses_per_view": 2 / 6, "searches": 2},
            {"locale": "de-DE", "licenses_per_view": None, "searches": 4},
            {"locale": None, "licenses_per_view": None, "searches": 2},
        ]
        per_visitor = {"dimensions": ["asset"], "order_by": ["-searches_a_head"]}
        assert ask("searches_a_head", filters={"locale": "de-DE"}, **per_visitor) == [
            {"asset": "a", "searches_a_head": 4.0}
        ]
        assert ask("searches_from_spring", "searches", dimensions=["campaign"]) == [
            {"campaign": "spring", "searches_from_spring": 4, "searches": 4},
            {"campaign": None, "searches_from_spring": 0, "searches": 4},
        ]
        for day in days:
            one = {"date_range": {"start": str(day), "end": str(day)}}
            [row] = ask("searches", "searchers", "licenses_per_view", **one)
            assert row == {"searches": 4, "searchers": 2, "licenses_per_view": 1 / 3}

        creator = Caller("carla", "creator")
        assert NEW - known(creator)["metrics"] == {"searches_from_spring"}
        hidden = call("POST", "/v1/query", {"metrics": ["searches_from_spring"]}, creator)
        assert hidden.status_code == 422

        # Deployed, and no day was built since.
        with connect(system, autocommit=True) as connection:
            connection.execute("alter table marts.traffic_daily drop column searchers")
        refused = call("POST", "/v1/query", {"metrics": ["searchers"]})
        assert (refused.status_code, "is new" in refused.json()["detail"]) == (503, True)
