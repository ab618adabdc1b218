"""Days exported by Dagster: what the sensor asks for, what a run leaves, what its checks say."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from eventmill.core.days import DayWindow
from eventmill.warehouse import days, files, manifest, open_root, tables
from orchestration.instance import open_instance
from orchestration.partitions import range_tags
from orchestration.tags import PROGRESS_TAG
from tests.orchestration.support import add_event
from tests.support import environment, rows
from tests.warehouse.conftest import BUILT, FIRST

KEYS = {f"export_{table.name}" for table in tables()}


@pytest.fixture
def instance(built: psycopg.Connection) -> dg.DagsterInstance:
    with open_instance() as opened:
        yield opened


def run(instance: dg.DagsterInstance, window: DayWindow, **tags: str) -> dg.ExecuteInProcessResult:
    from orchestration.definitions import defs

    return (
        defs()
        .resolve_job_def("export_days")
        .execute_in_process(
            instance=instance, tags={**range_tags(window), **tags}, raise_on_error=False
        )
    )


def asked(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    from orchestration.definitions import defs

    sensor = defs().resolve_sensor_def("export_built_days")
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_built_days_are_exported_in_one_run_and_then_nothing_waits(
    instance: dg.DagsterInstance, folder: Path, built: psycopg.Connection
) -> None:
    result = asked(instance)
    [request] = result.run_requests or []
    assert request.tags == range_tags(BUILT)
    finished = run(instance, BUILT)
    assert finished.success
    root = open_root()
    for table in tables():
        assert days(root, table) == list(BUILT)
        key = dg.AssetKey(f"export_{table.name}")
        assert instance.get_materialized_partitions(key) == {str(day) for day in BUILT}
    record = instance.get_run_by_id(finished.run_id)
    assert record is not None
    assert record.tags[PROGRESS_TAG] == "3 of 3 days"
    checks = finished.get_asset_check_evaluations()
    assert {c.asset_key.to_user_string() for c in checks if c.passed} == KEYS
    again = asked(instance)
    assert not again.run_requests
    assert again.asset_events[0].passed


def test_a_rerun_replaces_the_day_and_nothing_is_left_of_the_former(
    instance: dg.DagsterInstance, folder: Path
) -> None:
    one = DayWindow(FIRST, FIRST)
    assert run(instance, one).success
    before = files(open_root(), tables()[0], FIRST)
    assert run(instance, one).success
    after = files(open_root(), tables()[0], FIRST)
    assert before != after
    assert not Path(before[0]).exists()
    left = {path.name for path in (folder / "events").rglob("*")}
    assert left == {"schema.json", f"date={FIRST}", "manifest.json", Path(after[0]).name}


def test_days_that_are_not_built_fail_the_run_and_the_others_are_there(
    instance: dg.DagsterInstance, folder: Path
) -> None:
    result = run(instance, DayWindow(BUILT.last, BUILT.last + timedelta(days=2)))
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data.description
    assert said == "2 days are not built, or are being built now: 2024-03-04, 2024-03-05"
    assert days(open_root(), tables()[0]) == [BUILT.last]


def test_a_day_that_is_built_anew_is_exported_again(
    instance: dg.DagsterInstance, folder: Path, built: psycopg.Connection
) -> None:
    from orchestration.backfill import run_backfill

    second = FIRST + timedelta(days=1)
    assert run(instance, BUILT).success
    rows_before = manifest(open_root(), tables()[0], second).rows
    add_event(built, second, visitor_id="late")
    assert not asked(instance).run_requests
    assert run_backfill(DayWindow(second, second)).errors == []
    [request] = asked(instance).run_requests or []
    assert request.tags == range_tags(DayWindow(second, second))
    assert run(instance, DayWindow(second, second)).success
    assert manifest(open_root(), tables()[0], second).rows == rows_before + 1


def test_a_day_that_differs_from_its_mart_fails_the_check(
    instance: dg.DagsterInstance, folder: Path, built: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from orchestration.defs.export import assets

    def changed(connection: psycopg.Connection, *arguments: object, **named: object) -> object:
        written = original(connection, *arguments, **named)
        built.execute("update marts.daily_metrics set views = views + 1 where date = %s", (FIRST,))
        return written

    original = assets.export_day
    monkeypatch.setattr(assets, "export_day", changed)
    finished = run(instance, DayWindow(FIRST, FIRST))
    built.execute("update marts.daily_metrics set views = views - 1 where date = %s", (FIRST,))
    failed = [c for c in finished.get_asset_check_evaluations() if not c.passed]
    assert [c.asset_key.to_user_string() for c in failed] == ["export_daily_metrics"]
    assert "views sums to" in str(failed[0].description)


def test_a_day_that_fails_is_not_asked_for_again_at_once(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its three retries wait for two minutes together.
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    (tmp_path / "file").write_text("no folder")
    with environment(EVENTMILL_WAREHOUSE_URL=str(tmp_path / "file" / "warehouse")):
        result = run(instance, BUILT)
        assert not result.success
        assert not asked(instance).run_requests
    with environment(EVENTMILL_WAREHOUSE_EXPORT="no"):
        assert not asked(instance).run_requests


def test_what_is_not_exported_hours_after_its_build_is_told(
    instance: dg.DagsterInstance, folder: Path, built: psycopg.Connection
) -> None:
    built.execute("update marts.build_receipts set built_at = built_at - interval '4 hours'")
    try:
        result = asked(instance, cursor="complete")
        assert result.cursor == "overdue 2024-03-01 to 2024-03-03"
        assert not result.asset_events[0].passed
    finally:
        built.execute("update marts.build_receipts set built_at = built_at + interval '4 hours'")
    assert rows(built, "select from ops.exported_days where destination = %s", str(folder)) == []
