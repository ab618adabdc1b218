"""Analysts build in schemas of their own and cannot touch production."""

from datetime import date
from pathlib import Path

import psycopg
import pytest
import yaml

from eventmill.core.days import ONE_DAY, utc_today
from orchestration.development import deferral, sample_environment
from tests.dbt_project.test_windows import busy_day
from tests.dbt_project.warehouse import Warehouse, messages

PRODUCTION = ("staging", "intermediate", "marts", "seeds", "raw", "enrichment")
# Every relation with its storage and the rows ever written to and deleted from it.
STATE = """
select n.nspname, c.relname, c.oid, c.relfilenode, c.xmin::text, s.n_tup_ins, s.n_tup_del
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_all_tables s on s.relid = c.oid
where n.nspname = any(%s)
order by 1, 2
"""
DEVELOPMENT = "select nspname from pg_namespace where nspname like 'dev%%' order by 1"


def test_a_user_builds_into_schemas_of_their_own(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.rows("select pg_stat_force_next_flush()")
    before = warehouse.rows(STATE, list(PRODUCTION))
    window = ["--event-time-start", str(day), "--event-time-end", f"{day} 23:59:59"]
    result = warehouse.dbt("build", *window, target="dev", USER="Ana.Sá-9@corp")
    assert result.success, messages(result)
    assert warehouse.rows(STATE, list(PRODUCTION)) == before
    assert [row[0] for row in warehouse.rows(DEVELOPMENT)] == [
        f"dev_ana_s__9_corp_{schema}" for schema in ("intermediate", "marts", "seeds", "staging")
    ]
    assert warehouse.rows("select events from dev_ana_s__9_corp_marts.daily_builds") == [(4,)]


@pytest.mark.parametrize(
    ("user", "prefix"),
    [("x" * 80, "dev_" + "x" * 36), ("prod", "dev_prod"), ("", "dev_")],
)
def test_no_user_name_leads_to_production(
    warehouse: Warehouse, tmp_path: Path, user: str, prefix: str
) -> None:
    manifest = Warehouse(warehouse.url, tmp_path).manifest("dev", USER=user)
    schemas = {node.schema for node in manifest.nodes.values() if node.resource_type == "model"}
    assert schemas == {f"{prefix}_{name}" for name in ("staging", "intermediate", "marts")}


def test_a_command_without_a_target_is_not_production(project: Path) -> None:
    profiles = yaml.safe_load((project / "profiles.yml").read_text())
    assert profiles["eventmill"]["target"] == "dev"


def test_a_development_build_is_of_the_last_days_with_events(
    connection: psycopg.Connection,
) -> None:
    tomorrow = (utc_today() + ONE_DAY).isoformat()
    assert sample_environment(connection, ["build"])["DBT_EVENT_TIME_END"] == tomorrow
    for day in ("2015-05-17", "2015-05-20", "2015-05-21"):
        connection.execute("select raw.ensure_partition(%s)", (day,))
    connection.execute(
        "insert into raw.events (event_id, occurred_at, event_type, visitor_id)"
        " values (gen_random_uuid(), '2015-05-20 23:00+00', 'page_viewed', 'v')"
    )
    assert sample_environment(connection, ["--target", "dev", "build"]) == {
        "DBT_EVENT_TIME_START": "2015-05-18",
        "DBT_EVENT_TIME_END": "2015-05-21",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "prod", "build"],
        ["build", "--target=prod"],
        ["build", "-t", "prod"],
        ["run", "--event-time-start", "2015-05-17", "--event-time-end", "2015-05-18"],
        ["run", "--event-time-start=2015-05-17"],
    ],
)
def test_a_command_that_names_its_days_or_production_is_left_alone(
    connection: psycopg.Connection, arguments: list[str]
) -> None:
    assert sample_environment(connection, arguments) == {}


@pytest.mark.parametrize(
    ("arguments", "defers"),
    [
        (["--target", "dev", "build", "--select", "daily_metrics"], True),
        (["show", "--inline", "select 1"], True),
        (["build", "--target=prod"], False),
        (["build", "--no-defer"], False),
        (["build", "--defer", "--state", "elsewhere"], False),
        (["docs", "generate"], False),
        (["ls"], False),
    ],
)
def test_what_is_not_built_is_read_from_production(
    tmp_path: Path, arguments: list[str], *, defers: bool
) -> None:
    assert deferral(arguments, tmp_path) == []
    (tmp_path / "manifest.json").write_text("{}")
    assert deferral(arguments, tmp_path) == (
        ["--defer", "--state", str(tmp_path)] if defers else []
    )
