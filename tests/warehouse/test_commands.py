"""`eventmill warehouse`: what it prints, and that DuckDB's numbers are the dashboards API's."""

import csv
import io
import json
from pathlib import Path

import duckdb
import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue
from eventmill.warehouse import open_root, tables
from eventmill.warehouse.catalog import catalog_path, write_catalog
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for
from tests.support import environment, run_eventmill
from tests.warehouse.conftest import BUILT, FIRST

PLATFORM = """
select date, views, clicks, conversions, revenue_cents, unique_visitors, engagement_time
from daily_metrics
where project_id is null and ip_asset_id is null and license_id is null
order by date
"""


@pytest.fixture
def exported(built: psycopg.Connection, folder: Path) -> psycopg.Connection:
    root = open_root()
    for day in BUILT:
        export_day(built, root, day, tables(), pseudonyms_for(root.url))
    write_catalog(root)
    return built


def sql(query: str, *options: str) -> str:
    result = run_eventmill("warehouse", "sql", query, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_numbers_are_those_of_the_dashboards_api(exported: psycopg.Connection) -> None:
    with TestClient(create_app()) as client:
        answer = client.get(
            "/v1/platform/metrics",
            params={"start": str(BUILT.first), "end": str(BUILT.last)},
            headers={"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"},
        ).json()
    ours = json.loads(sql(PLATFORM, "--json"))
    assert answer["totals"]["views"] > 0
    assert answer["totals"]["revenue_cents"] == 12345
    built = {row["date"]: row for row in ours}
    assert len(built) == 2
    for point in answer["series"]:
        zeros = dict.fromkeys(ours[0], 0) | {"date": point["date"]}
        row = built.get(point["date"], zeros)
        assert {name: point[name] for name in row} == row
    # A pseudonym counts like the person.
    [totals] = json.loads(
        sql(
            "select count(distinct visitor_id) filter (where not is_bot) as people"
            " from attribution", "--json",
        )
    )  # fmt: skip
    assert totals["people"] == answer["totals"]["unique_visitors"]


def test_any_client_of_duckdb_opens_the_catalog(exported: psycopg.Connection) -> None:
    with duckdb.connect(str(catalog_path()), read_only=True) as engine:
        names = engine.execute("select view_name from duckdb_views() where not internal").fetchall()
        assert {name for (name,) in names} == {table.name for table in tables()}
        comments = dict(
            engine.execute(
                "select column_name, comment from duckdb_columns() where table_name = 'sessions'"
            ).fetchall()
        )
        assert comments["started_at"] == "Its first event; the UTC day of it is the session's day."
        for table in tables():
            ours = [row[0] for row in engine.execute(f"describe {table.name}").fetchall()]
            theirs = exported.execute(
                "select column_name from information_schema.columns"
                " where table_schema = %s and table_name = %s order by ordinal_position",
                (table.schema, table.relation),
            ).fetchall()
            added = ["date"] if table.has_times else []
            assert ours == [name for (name,) in theirs] + added


def test_answers_come_as_a_table_as_json_and_as_csv(exported: psycopg.Connection) -> None:
    query = f"""
        select event_type, count(*) as n, min(occurred_at) as first, null as nothing
        from events where date = '{FIRST}' group by event_type order by n desc, event_type
    """
    lines = sql(query).splitlines()
    assert lines[0].split() == ["event_type", "n", "first", "nothing"]
    assert lines[1].split()[:2] == ["asset_viewed", "4"]
    assert json.loads(sql(query, "--json"))[0] == {
        "event_type": "asset_viewed",
        "n": 4,
        "first": "2024-03-01 12:00:00+00:00",
        "nothing": None,
    }
    [header, first, *_] = csv.reader(io.StringIO(sql(query, "--csv")))
    assert header == ["event_type", "n", "first", "nothing"]
    assert first == ["asset_viewed", "4", "2024-03-01 12:00:00+00:00", ""]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select * from nothing", "Table with name nothing does not exist"),
        ("selec 1", "syntax error"),
        ("drop view events", "read-only"),
    ],
)
def test_a_question_that_is_none_is_one_clear_line(
    exported: psycopg.Connection, query: str, says: str
) -> None:
    result = run_eventmill("warehouse", "sql", query)
    assert result.returncode == 1
    assert result.stderr.startswith("eventmill: ")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_status_says_what_is_there_and_what_waits(built: psycopg.Connection, folder: Path) -> None:
    before = json.loads(run_eventmill("warehouse", "status", "--json").stdout)
    assert before["location"] == get_settings().warehouse_location == str(folder)
    assert before["tables"] == []
    assert before["waiting_days"] == [str(day) for day in BUILT]
    first = str(FIRST)
    done = run_eventmill("warehouse", "export", first, first, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["days"] == 1
    after = json.loads(run_eventmill("warehouse", "status", "--json").stdout)
    assert {row["table"]: row["days"] for row in after["tables"]} == {
        table.name: 1 for table in tables()
    }
    assert after["waiting_days"] == [str(day) for day in BUILT][1:]
    assert "built and not exported: 2 days" in run_eventmill("warehouse", "status").stdout
    with environment(EVENTMILL_WAREHOUSE_KEY="another key of this destination."):
        changed = json.loads(run_eventmill("warehouse", "status", "--json").stdout)
    assert changed["waiting_days"] == before["waiting_days"]


def test_days_that_are_not_built_are_not_exported(built: psycopg.Connection, folder: Path) -> None:
    result = run_eventmill("warehouse", "export", "2023-01-01", "2023-01-02")
    assert result.returncode == 1
    assert "no day from 2023-01-01 to 2023-01-02 is built" in result.stderr
