"""Dagster's own state: one database, prepared once, whoever starts first."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy.engine import make_url

from eventmill.core.database import connect, dagster_database_url
from eventmill.core.settings import child_environment, get_settings
from orchestration.instance import instance_config, prepare_instance, storage_url
from tests.support import environment, scalar

PREPARE = "from orchestration.instance import prepare_instance; prepare_instance()"


def test_processes_that_start_together_prepare_it_once(database: str) -> None:
    together = [
        subprocess.Popen([sys.executable, "-c", PREPARE], env=child_environment()) for _ in range(3)
    ]
    assert [process.wait(60) for process in together] == [0, 0, 0]
    with connect(dagster_database_url()) as connection:
        assert scalar(connection, "select count(*) from eventmill.dagster_schema") == 1
        assert scalar(connection, "select count(*) from runs") == 0


def test_the_configuration_is_for_the_owner_only(database: str) -> None:
    prepare_instance()
    file = get_settings().dagster_home / "dagster.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    content = yaml.safe_load(file.read_text())
    assert content["storage"]["custom"]["config"]["postgres_url"] == storage_url()
    assert content["telemetry"] == {"enabled": False}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_driver_is_named_and_the_password_is_in_a_file(home: Path, scheme: str) -> None:
    url = f"{scheme}://me:p%40ss@db.example:5433/state?sslmode=require"
    with environment(EVENTMILL_DAGSTER_DATABASE_URL=url):
        found = make_url(storage_url())
    assert (found.drivername, found.username, found.password) == ("postgresql+psycopg2", "me", None)
    query = dict(found.query)
    passfile = Path(str(query.pop("passfile")))
    assert (found.database, query) == (
        "state", {"host": "db.example", "port": "5433", "sslmode": "require"},
    )  # fmt: skip
    assert passfile.read_text().strip() == "*:*:*:*:p@ss"
    assert passfile.stat().st_mode & 0o777 == 0o600


def test_runs_wait_in_the_queue_and_not_in_a_worker() -> None:
    concurrency = instance_config("postgresql://")["concurrency"]
    assert concurrency["pools"] == {"default_limit": 2, "granularity": "run"}


def test_one_backfill_at_a_time_leaves_room_for_the_night(home: Path) -> None:
    """By the queue's own reckoning, with the configuration as Dagster reads it."""
    import dagster as dg
    from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
    from dagster._utils.tags import TagConcurrencyLimitsCounter

    config = instance_config("postgresql://")["concurrency"]
    with dg.instance_for_test(overrides={"concurrency": config}) as instance:
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 4
        backfill = dg.DagsterRun(job_name="build_days", tags={"dagster/backfill": "a"})
        other = dg.DagsterRun(job_name="build_days", tags={"dagster/backfill": "b"})
        night = dg.DagsterRun(job_name="build_days", tags={"eventmill/night": "yes"})
        counter = TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, [backfill])
        assert counter.is_blocked(other)
        assert not counter.is_blocked(night)
