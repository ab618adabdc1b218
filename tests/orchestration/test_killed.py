"""A backfill that is killed at several moments: what readers see, and what it comes to."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.database import connect, database_url
from eventmill.core.days import DayWindow
from eventmill.core.settings import child_environment
from eventmill.core.tokens import Caller, issue
from orchestration.instance import open_instance
from tests.orchestration.support import add_days, marts
from tests.support import environment, rows, scalar

FIRST, SECOND = date(2024, 3, 1), date(2024, 3, 2)
VIEWS = {"2024-03-01": 3, "2024-03-02": 4}
BARRIER = 4711

# A build stops where it writes a day's rows of a table, for as long as the test holds the lock.
STOP = """
create function public.wait_here() returns trigger language plpgsql as $$
begin
    if exists (select from written where {column}::date = '{day}') then
        perform pg_advisory_xact_lock_shared({barrier});
    end if;
    return null;
end
$$;
create trigger wait_here after insert on marts.{table}
referencing new table as written for each statement execute function public.wait_here()
"""
WAITS = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event = 'advisory' and query like %s
"""


def build_days_job() -> dg.JobDefinition:
    from orchestration.definitions import defs

    return defs().resolve_job_def("build_days")


@pytest.fixture(scope="module")
def small_chunks(module_database: str) -> Iterator[None]:
    """Each day is a chunk."""
    with environment(EVENTMILL_DATABASE_URL=module_database, EVENTMILL_CHUNK_DAYS="1"):
        yield


@contextmanager
def _stopped(table: str, day: date) -> Iterator[subprocess.Popen[str]]:
    """A backfill process that has written the rows of `day` to `table` and not committed them."""
    column = "occurred_at" if table == "attribution" else "date"
    stop = STOP.format(table=table, column=column, day=day, barrier=BARRIER)
    command = [str(Path(sys.executable).with_name("eventmill")), "backfill"]
    with connect(database_url(), autocommit=True) as test, connect(database_url()) as barrier:
        barrier.execute("select pg_advisory_lock(%s)", [BARRIER])
        test.execute(stop.encode())
        process = subprocess.Popen(
            [*command, str(FIRST), str(SECOND)],
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            while scalar(test, WAITS, f"%{table}%") == 0:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()
            barrier.close()
            test.execute("drop function public.wait_here() cascade")


def _views_of_dashboards() -> dict[str, int]:
    token = issue(Caller("root", "admin"))
    with TestClient(create_app()) as client:
        answer = client.get(
            "/v1/platform/metrics",
            params={"start": str(FIRST), "end": str(SECOND)},
            headers={"Authorization": f"Bearer {token}"},
        ).json()
    return {point["date"]: point["views"] for point in answer["series"]}


def _built(warehouse: psycopg.Connection) -> list[date]:
    return [day for (day,) in rows(warehouse, "select date from marts.daily_builds order by 1")]


def test_a_killed_backfill_goes_on_where_it_was_and_comes_to_the_same(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, small_chunks: None
) -> None:
    from orchestration.backfill import run_backfill
    from orchestration.defs.alerts.lost_runs import lost_runs
    from orchestration.tags import PROGRESS_TAG

    add_days(warehouse, FIRST, 2)
    undisturbed = run_backfill(DayWindow(FIRST, SECOND))
    assert undisturbed.errors == []
    expected = marts(warehouse)
    run = instance.get_run_by_id(undisturbed.run_id)
    assert run is not None
    assert run.tags[PROGRESS_TAG] == "2 of 2 days"
    assert len(rows(warehouse, "select from enrichment.builds where chunks = 2")) == 2

    # Killed while it replaces one of two tables; the other may be replaced already.
    with _stopped("attribution", FIRST) as process:
        assert _views_of_dashboards() == VIEWS
        process.kill()
        process.wait()
    assert marts(warehouse) == expected
    assert _views_of_dashboards() == VIEWS

    # Killed when both are replaced and not judged yet: the day is not built any more.
    with _stopped("build_receipts", FIRST) as process:
        assert _built(warehouse) == [SECOND]
        assert _views_of_dashboards() == VIEWS
        process.kill()
        process.wait()
    assert _built(warehouse) == [SECOND]
    assert _views_of_dashboards() == VIEWS

    # The same on an empty warehouse, in the second chunk.
    warehouse.execute(
        "truncate marts.attribution, marts.daily_metrics, marts.build_receipts,"
        " enrichment.builds, enrichment.replaced_days"
    )
    with _stopped("daily_metrics", SECOND) as process:
        assert _built(warehouse) == [FIRST]
        assert _views_of_dashboards() == VIEWS
        process.kill()
        process.wait()
    assert _built(warehouse) == [FIRST]
    assert _views_of_dashboards() == VIEWS

    lost_runs(dg.build_sensor_context(instance=instance))
    (killed,) = instance.get_runs(limit=1)
    assert killed.status is dg.DagsterRunStatus.FAILURE
    with open_instance() as again:
        resumed = dg.execute_job(
            dg.reconstructable(build_days_job),
            instance=again,
            tags=dict(killed.tags),
            reexecution_options=dg.ReexecutionOptions(parent_run_id=killed.run_id),
        )
    assert resumed.success
    builds = rows(
        warehouse, "select first_day, run_id from enrichment.builds where finished_at > '2000-1-1'"
    )
    assert builds == [(FIRST, killed.run_id), (SECOND, resumed.run_id)]
    assert _built(warehouse) == [FIRST, SECOND]
    assert marts(warehouse) == expected
    log = [entry.user_message for entry in instance.all_logs(resumed.run_id)]
    assert "1 of 2 days were built before this run was resumed" in log
