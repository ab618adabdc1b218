"""A real run builds the days of an erased person again, and no file, log or database knows them."""

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from eventmill.core.database import dagster_database_url
from eventmill.core.days import DayWindow
from eventmill.core.settings import get_settings
from eventmill.runner.embedded import BIN
from tests.orchestration.support import add_event, platform_views
from tests.orchestration.test_late_events import sensor_tick
from tests.privacy.support import ANN, DEVICES, places
from tests.support import rows, run_eventmill

DAY = date(2024, 3, 10)
DAYS = DayWindow(DAY, DAY + timedelta(days=2))
PEOPLE = (ANN, *DEVICES)


@pytest.fixture(scope="module")
def certificate(instance: dg.DagsterInstance, warehouse: psycopg.Connection) -> dict[str, object]:
    """Three days are built; somebody who came on two of them is erased by the command."""
    from orchestration.backfill import run_backfill

    for day in DAYS:
        add_event(warehouse, day, visitor_id="bob")
    for day in list(DAYS)[:2]:
        add_event(warehouse, day, visitor_id=DEVICES[0], anonymous_id=DEVICES[0])
    warehouse.execute("insert into raw.identities values (%s, %s, true, now())", [DEVICES[0], ANN])
    assert run_backfill(DAYS).errors == []
    assert platform_views(warehouse) == dict(zip(DAYS, (2, 2, 1), strict=True))

    shown = run_eventmill("subjects", "show", ANN)
    assert len(json.loads(shown.stdout)["events"]) == 2, shown.stderr
    erased = run_eventmill("subjects", "erase", ANN)
    assert erased.returncode == 0, erased.stderr
    found: dict[str, object] = json.loads(erased.stdout)
    again = run_eventmill("subjects", "show", ANN)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.strip() == "eventmill: nothing is held on this id"
    return found


def test_the_sensor_builds_exactly_these_days(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, certificate: dict[str, object]
) -> None:
    from orchestration.definitions import defs
    from orchestration.tags import REASON_TAG

    assert certificate["state"] == "asked"
    assert certificate["rebuilt_days"] == [str(day) for day in list(DAYS)[:2]]
    (request,) = sensor_tick(instance)
    assert request.tags[REASON_TAG] == (
        f"events were deleted; a person was erased on 2 days from {DAY} to {list(DAYS)[1]}"
    )
    result = (
        defs()
        .resolve_job_def("build_days")
        .execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
    )
    assert result.success
    assert platform_views(warehouse) == dict.fromkeys(DAYS, 1)
    assert {day for (day,) in rows(warehouse, "select date from marts.daily_builds")} == set(DAYS)
    assert rows(warehouse, "select * from enrichment.replaced_days") == []
    assert rows(warehouse, "select * from raw.touched_days") == []
    assert sensor_tick(instance) == []
    assert places(warehouse, PEOPLE) == []


def test_no_log_knows_the_person(
    instance: dg.DagsterInstance, certificate: dict[str, object]
) -> None:
    for run in instance.get_runs():
        assert not any(known in str(instance.all_logs(run.run_id)) for known in PEOPLE)
    dump = [BIN / "pg_dump", f"--dbname={dagster_database_url()}"]
    dumped = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    assert all(run.run_id in dumped for run in instance.get_runs())
    assert not any(known in dumped for known in PEOPLE)
    for folder in ("dbt_logs", "dbt_target", "dagster", "logs", "secrets"):
        for file in Path(get_settings().home / folder).rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert not any(known.encode() in content for known in PEOPLE), file
