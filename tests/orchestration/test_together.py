"""Runs that meet: two at once on an empty database, and runs that were cut off half-way."""

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

from eventmill.core.database import connect, database_url
from eventmill.core.days import DayWindow
from eventmill.core.settings import child_environment
from orchestration.instance import open_instance
from tests.orchestration.support import add_days, add_event, marts, platform_views
from tests.privacy.support import erase_now
from tests.support import scalar

FIRST = date(2024, 3, 1)
TWO_DAYS = DayWindow(FIRST, date(2024, 3, 2))


def _start_backfill(first: str, last: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("eventmill")), "backfill", first, last]
    return subprocess.Popen(
        command,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_very_first_runs_may_start_at_the_same_moment(
    connection: psycopg.Connection,
) -> None:
    add_days(connection, FIRST, 4)
    # They share two days: whoever is second builds those again.
    together = [
        _start_backfill("2024-03-01", "2024-03-03"),
        _start_backfill("2024-03-02", "2024-03-04"),
    ]
    for process in together:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert list(platform_views(connection).values()) == [3, 4, 5, 6]
    assert scalar(connection, "select count(*) from marts.attribution") == 3 + 4 + 5 + 6 + 4
    with open_instance() as instance:
        runs = instance.get_runs()
        assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 2
        assert len(instance.get_materialized_partitions(dg.AssetKey("daily_metrics"))) == 4


@pytest.fixture
def built(instance: dg.DagsterInstance, warehouse: psycopg.Connection) -> None:
    """Two built days, the first of which has got a late event since."""
    from orchestration.backfill import run_backfill

    if scalar(warehouse, "select count(*) from raw.events") == 0:
        add_days(warehouse, FIRST, 2)
        assert run_backfill(TWO_DAYS).errors == []
    add_event(warehouse, FIRST, visitor_id="late")


WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
    and (query like '%daily_metrics%' or query like '%build_receipts%')
"""


@contextmanager
def _stuck_run(
    warehouse: psycopg.Connection, table: str = "daily_metrics"
) -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of replacing the rows of a mart; the block lets it go on."""
    with connect(database_url()) as blocker:
        blocker.execute(f"lock table marts.{table} in exclusive mode".encode())
        process = _start_backfill("2024-03-01", "2024-03-02")
        while scalar(warehouse, WAITING) == 0:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        yield process


def test_a_build_makes_room_for_an_erasure(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, built: None
) -> None:
    add_event(warehouse, FIRST, visitor_id="ann", actor_type="user", actor_id="ann")
    # The build has written all but its receipts, with what it read of ann.
    with _stuck_run(warehouse, "build_receipts") as process:
        certificate = erase_now(database_url(), "ann", build_seconds=60)
        assert certificate.removed["raw.events"] == 1
        assert process.poll() is None
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "made room for an erasure" in _log(instance)
    for table in ("raw.events", "marts.attribution", "marts.visitors", "marts.sessions"):
        found = f"select count(*) from {table} where visitor_id = 'ann'"
        assert scalar(warehouse, found) == 0, table
    assert platform_views(warehouse)[FIRST] == 4, "three, and a late one"


def _log(instance: dg.DagsterInstance) -> str:
    return "\n".join(entry.user_message for entry in instance.all_logs(_last_run(instance).run_id))


def _last_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    (run,) = instance.get_runs(limit=1)
    return run


def test_an_interrupted_run_ends_at_once_and_leaves_the_days_as_they_were(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, built: None
) -> None:
    before = marts(warehouse)[0]
    with _stuck_run(warehouse) as process:
        process.terminate()
        said, _ = process.communicate(timeout=60)
        assert scalar(warehouse, WAITING) == 0
    assert process.returncode != 0
    assert "dbt_models: interrupted" in said.splitlines()[-1]
    assert marts(warehouse)[0] == before
    assert _last_run(instance).status is dg.DagsterRunStatus.FAILURE
