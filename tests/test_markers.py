"""Markers follow from fixtures, and a unit test that starts a process is found out."""

import subprocess
import sys

import pytest

from tests.workers import markers

# What takes a unit test's start from a moment to seconds.
HEAVY = {"psycopg", "dbt", "dbt_common", "dagster", "duckdb", "dlt", "fastapi", "pyarrow", "polars"}


@pytest.mark.parametrize(
    ("fixtures", "expected"),
    [
        (["home", "tmp_path"], {"unit"}),
        (["home", "server", "database", "connection"], {"db"}),
        (["server", "site", "chromium"], {"db", "browser"}),
        (["_demos", "demo", "page"], {"e2e", "browser"}),
        (["processes"], {"process"}),
    ],
)
def test_markers_follow_from_fixtures(fixtures: list[str], expected: set[str]) -> None:
    assert markers(fixtures) == expected


def test_every_test_has_the_markers_of_its_fixtures(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert isinstance(item, pytest.Function)
        mine = {mark.name for mark in item.iter_markers()}
        assert markers(item.fixturenames) == mine & {"unit", "db", "browser", "e2e", "process"}


def test_a_unit_test_cannot_start_a_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="let it use the fixture `processes`"):
        subprocess.run([sys.executable, "--version"], check=True)


@pytest.mark.usefixtures("processes")
def test_the_root_conftest_imports_nothing_heavy() -> None:
    loaded = "import sys, tests.conftest; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    )
    assert not HEAVY & set(result.stdout.split())
