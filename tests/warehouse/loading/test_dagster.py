"""Days loaded by Dagster: when the sensor asks for a run, and what the run does."""

import dagster as dg
import psycopg
import pytest

from eventmill.warehouse import Root
from orchestration.instance import open_instance
from tests.support import environment
from tests.warehouse.conftest import BUILT, FIRST
from tests.warehouse.loading.conftest import Warehouse, comparable, rewrite, rows_of_files


@pytest.fixture
def instance(built: psycopg.Connection) -> dg.DagsterInstance:
    with open_instance() as opened:
        yield opened


def asked(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    from orchestration.definitions import defs

    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = defs().resolve_sensor_def("load_exported_days")(context)
    assert isinstance(result, dg.SensorResult)
    return result


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    from orchestration.definitions import defs

    job = defs().resolve_job_def("load_warehouse")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def said(result: dg.SensorResult) -> str:
    assert not result.run_requests
    return result.skip_reason.skip_message or ""


def test_what_is_exported_is_loaded_and_then_nothing_waits(
    instance: dg.DagsterInstance, exported: Root, database_warehouse: Warehouse
) -> None:
    first = asked(instance)
    assert len(first.run_requests or []) == 1
    finished = run(instance)
    assert finished.success
    assert finished.output_for_node("load_days") == len(BUILT)
    expected = comparable(rows_of_files(exported, "events"))
    assert comparable(database_warehouse.rows("events")) == expected
    assert said(asked(instance, first.cursor)) == "all is loaded"


def test_a_load_that_failed_is_tried_again_in_an_hour(
    instance: dg.DagsterInstance, exported: Root, database_warehouse: Warehouse
) -> None:
    first = asked(instance)
    nowhere = "/nowhere/at.all"
    if database_warehouse.name == "postgres":
        nowhere = database_warehouse.place.replace("the_warehouse", "another_database")
    with environment(EVENTMILL_WAREHOUSE_CREDENTIALS=nowhere):
        assert not run(instance).success
    assert "it is tried again in an hour" in said(asked(instance, first.cursor))
    assert database_warehouse.rows("events") == []
    assert run(instance).success
    assert said(asked(instance, first.cursor)) == "all is loaded"


def test_a_rewritten_day_arrives_by_the_next_run(
    instance: dg.DagsterInstance, exported: Root, database_warehouse: Warehouse
) -> None:
    assert run(instance).success
    rewrite(exported, FIRST, keep=lambda rows: rows.slice(2))
    finished = run(instance)
    assert finished.output_for_node("load_days") == 1
    expected = comparable(rows_of_files(exported, "events"))
    assert comparable(database_warehouse.rows("events")) == expected


def test_without_a_destination_nothing_is_asked(
    instance: dg.DagsterInstance, exported: Root
) -> None:
    assert said(asked(instance)) == "EVENTMILL_WAREHOUSE_DESTINATION is not set"
