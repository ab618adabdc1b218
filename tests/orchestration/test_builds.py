"""Real runs: real Dagster, real dbt, real PostgreSQL. The runs are few and shared; each test asks
something else of them."""

import random
from datetime import date, timedelta

import dagster as dg
import psycopg
import pytest

from eventmill.core.days import DayWindow
from orchestration.project import referrer_domain_sql
from tests.orchestration.support import BROWSER, add_days, add_event, marts, platform_views
from tests.orchestration.test_definitions import ASSETS
from tests.support import rows, scalar

FIRST = date(2024, 2, 28)
WINDOW = DayWindow(FIRST, date(2024, 3, 1))  # a leap day between
VIEWS_WITHOUT_DAYS = {"metric_changes", "metric_definitions", "daily_builds"}
DAYS = {day.isoformat() for day in WINDOW}


@pytest.fixture(scope="module")
def built(instance: dg.DagsterInstance, warehouse: psycopg.Connection) -> str:
    """Id of a run that built WINDOW."""
    from orchestration.backfill import run_backfill

    add_days(warehouse, FIRST, 3)
    add_event(warehouse, FIRST - timedelta(days=1))
    result = run_backfill(WINDOW)
    assert result.errors == []
    return result.run_id


def _events(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType
) -> dict[str, dict[str | None, dict[str, object]]]:
    """Metadata by asset and partition."""
    found: dict[str, dict[str | None, dict[str, object]]] = {}
    for entry in instance.all_logs(run_id, of_type=kind):
        recorded = entry.asset_materialization or entry.asset_observation
        assert recorded is not None
        values = {name: value.value for name, value in recorded.metadata.items()}
        found.setdefault(recorded.asset_key.to_user_string(), {})[recorded.partition] = values
    return found


def test_a_range_is_one_run(instance: dg.DagsterInstance, built: str) -> None:
    (record,) = instance.get_run_records()
    assert record.dagster_run.run_id == built
    assert record.dagster_run.job_name == "build_days"
    assert record.dagster_run.is_success


def test_every_day_of_every_asset_is_materialized(instance: dg.DagsterInstance, built: str) -> None:
    for name in ASSETS:
        assert instance.get_materialized_partitions(dg.AssetKey(name)) == DAYS, name


def test_a_day_tells_its_rows_and_seconds(instance: dg.DagsterInstance, built: str) -> None:
    found = _events(instance, built, dg.DagsterEventType.ASSET_MATERIALIZATION)
    rows_of = {d: m["dagster/partition_row_count"] for d, m in found["attribution"].items()}
    assert rows_of == {"2024-02-28": 4, "2024-02-29": 5, "2024-03-01": 6}
    assert {m["dagster/partition_row_count"] for m in found["build_receipts"].values()} == {1}
    for name in ASSETS - {"raw_events"}:
        for metadata in found[name].values():
            assert "seconds" in metadata, name
            told = metadata.keys() & {"rows", "dagster/row_count", "dagster/partition_row_count"}
            # Counting these would read all days after each build.
            assert bool(told) == (name not in VIEWS_WITHOUT_DAYS), name


def test_raw_is_observed(instance: dg.DagsterInstance, built: str) -> None:
    found = _events(instance, built, dg.DagsterEventType.ASSET_OBSERVATION)["raw_events"]
    assert {d: m["dagster/partition_row_count"] for d, m in found.items()} == {
        "2024-02-28": 4,
        "2024-02-29": 5,
        "2024-03-01": 6,
    }


def test_the_numbers_are_those_of_raw(warehouse: psycopg.Connection, built: str) -> None:
    assert platform_views(warehouse) == {
        date(2024, 2, 28): 3,
        date(2024, 2, 29): 4,
        date(2024, 3, 1): 5,
    }
    assert scalar(warehouse, "select count(*) from marts.attribution where is_bot") == 3
    assert scalar(
        warehouse, "select array_agg(date order by date) from marts.daily_builds"
    ) == list(WINDOW)


def test_dbt_tests_are_checks_of_their_assets(instance: dg.DagsterInstance, built: str) -> None:
    checks = [
        entry.get_dagster_event().asset_check_evaluation_data
        for entry in instance.all_logs(built, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    assert {"attribution", "daily_builds"} <= {c.asset_key.to_user_string() for c in checks}
    assert all(check.passed for check in checks)


def test_the_domain_of_a_referrer_is_that_of_the_models(
    warehouse: psycopg.Connection, built: str
) -> None:
    query = (
        f"select count(*) from intermediate.int_events"
        f" where referrer_domain is distinct from {referrer_domain_sql()}"
    )
    assert scalar(warehouse, query) == 0
    assert scalar(
        warehouse,
        "select bool_and(is_user_agent_enriched and is_referrer_enriched)"
        " from intermediate.int_events where occurred_at >= '2024-02-28'",
    )


def test_only_new_values_are_enriched(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, built: str
) -> None:
    from orchestration.backfill import run_backfill

    def stamps() -> dict[str, object]:
        return dict(rows(warehouse, "select user_agent, xmin::text from enrichment.user_agents"))

    before = stamps()
    assert BROWSER in before
    add_event(warehouse, date(2024, 3, 2))
    add_event(warehouse, date(2024, 3, 2), user_agent="curl/8.5.0", referrer="https://t.co/x")
    # A stranger's referrer, whose host fits into no index.
    long = f"https://{random.Random(1).randbytes(4000).hex()}/"
    add_event(warehouse, date(2024, 3, 2), referrer=long)
    result = run_backfill(DayWindow(date(2024, 3, 2), date(2024, 3, 2)))
    assert result.errors == []
    after = stamps()
    assert after.keys() - before.keys() == {"curl/8.5.0"}
    assert {name: after[name] for name in before} == before
    found = _events(instance, result.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert found["user_agents"]["2024-03-02"]["rows"] == 1
    assert found["referrers"]["2024-03-02"]["rows"] == 1


def test_old_rules_are_applied_anew(warehouse: psycopg.Connection, built: str) -> None:
    from eventmill.core.enrichment.user_agents import PARSER_VERSION
    from orchestration.defs.enrichment.queries import new_user_agents

    warehouse.execute(
        "update enrichment.user_agents set parser_version = '0' where user_agent = %s", (BROWSER,)
    )
    assert new_user_agents(warehouse, WINDOW, PARSER_VERSION) == [BROWSER]
    warehouse.execute("update enrichment.user_agents set parser_version = %s", (PARSER_VERSION,))
    assert new_user_agents(warehouse, WINDOW, PARSER_VERSION) == []


def test_building_again_changes_no_number(warehouse: psycopg.Connection, built: str) -> None:
    from orchestration.backfill import run_backfill

    before = marts(warehouse)
    assert run_backfill(WINDOW).errors == []
    assert marts(warehouse) == before


def test_a_chosen_asset_is_built_alone(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, built: str
) -> None:
    from orchestration.definitions import defs

    before = marts(warehouse)
    result = (
        defs()
        .resolve_job_def("build_days")
        .execute_in_process(
            instance=instance,
            partition_key="2024-02-29",
            asset_selection=[dg.AssetKey("daily_metrics")],
            raise_on_error=False,
        )
    )
    assert result.success
    found = _events(instance, result.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert found.keys() == {"daily_metrics"}
    assert found["daily_metrics"].keys() == {"2024-02-29"}
    assert marts(warehouse) == before


def test_raw_is_observed_by_hand(instance: dg.DagsterInstance, built: str) -> None:
    from orchestration.defs.raw.assets import raw_events

    observe = dg.define_asset_job("observe", dg.AssetSelection.assets("raw_events"))
    job = dg.Definitions(assets=[raw_events], jobs=[observe]).resolve_job_def("observe")
    result = job.execute_in_process(instance=instance, partition_key="2024-02-27")
    found = _events(instance, result.run_id, dg.DagsterEventType.ASSET_OBSERVATION)
    assert found == {"raw_events": {"2024-02-27": {"dagster/partition_row_count": 1}}}


def test_a_mistake_fails_the_run_at_once_and_says_which(
    warehouse: psycopg.Connection, built: str
) -> None:
    from orchestration.backfill import run_backfill

    warehouse.execute("alter table enrichment.referrers rename to lost")
    try:
        result = run_backfill(DayWindow(FIRST, FIRST))
    finally:
        warehouse.execute("alter table enrichment.lost rename to referrers")
    (error,) = result.errors
    assert error.startswith('referrers: UndefinedTable: relation "enrichment.referrers"')
    assert result.log.exists()
