"""Dagster's instance: its configuration under the home, its state in PostgreSQL."""

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml

from eventmill.core.database import (
    advisory_lock,
    connect,
    dagster_database_url,
    ensure_database,
    url_without_password,
)
from eventmill.core.settings import get_settings
from orchestration.tags import BACKFILL_TAG, REBUILD_TAG

if TYPE_CHECKING:
    import dagster as dg

MARKER = """
create schema if not exists eventmill;
create table if not exists eventmill.dagster_schema (
    dagster_version text primary key,
    prepared_at timestamptz not null default now()
);
"""


def prepare_instance() -> None:
    """Make the instance ready: database, tables, `dagster.yaml`. Safe to call at the same time.

    Dagster's processes would each create the tables at their first start and trip over each
    other; here one does, under a lock, and the others find them.
    """
    ensure_database(dagster_database_url())
    write_instance_config()
    with (
        connect(dagster_database_url(), autocommit=True) as connection,
        advisory_lock(connection, "eventmill.dagster_schema"),
    ):
        connection.execute(MARKER)
        known = _prepared_versions(connection)
        if version("dagster") not in known:
            _create_tables(upgrade=bool(known))
            connection.execute(
                "insert into eventmill.dagster_schema (dagster_version) values (%s)",
                (version("dagster"),),
            )


def write_instance_config() -> Path:
    """Write `<home>/dagster/dagster.yaml`, mode 0600 as it may hold a password; return its path."""
    home = get_settings().dagster_home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    mine = home / f"dagster.yaml.{os.getpid()}"
    with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write("# Written by `eventmill up` and `eventmill backfill`; changes are lost.\n")
        yaml.safe_dump(instance_config(storage_url()), handle, sort_keys=False)
    mine.replace(path)
    return path


def open_instance() -> "dg.DagsterInstance":
    """The instance of this home, which prepare_instance made ready."""
    import dagster as dg

    return dg.DagsterInstance.from_config(str(get_settings().dagster_home))


def instance_config(url: str) -> dict[str, Any]:
    """The content of `dagster.yaml` for an instance with its state in the database `url`.

    Logs and artifacts stay in the folder of the file, which is DAGSTER_HOME.
    """
    return {
        # The tables are made by prepare_instance.
        "storage": {
            "custom": {
                "module": "orchestration.storage",
                "class": "PooledStorage",
                "config": {"postgres_url": url, "should_autocreate_tables": False},
            }
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # the UI's sign-up dialog
        "concurrency": {
            # Whole runs wait in the queue: a run that waited inside would hold a worker.
            # Two, so that a night goes beside a backfill: they take turns by chunks (0013).
            "pools": {"default_limit": 2, "granularity": "run"},
            "runs": {
                "max_concurrent_runs": 4,
                "tag_concurrency_limits": [
                    {"key": BACKFILL_TAG, "limit": 1},
                    {"key": REBUILD_TAG, "limit": 1},
                ],
            },
        },
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 300},
        # A step retries by itself (retries.py). A whole run only if its process died.
        "run_retries": {
            "enabled": True,
            "max_retries": 3,
            "retry_on_asset_or_op_failure": False,
        },
        "retention": {
            "schedule": {"purge_after_days": {"skipped": 7, "failure": 90, "success": 90}},
            "sensor": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 7}},
        },
    }


def storage_url() -> str:
    """The URL of Dagster's database as SQLAlchemy takes it.

    dagster-postgres speaks to psycopg2; without a name SQLAlchemy 2.1 would take psycopg 3.
    """
    # Dagster hands what is in `dagster.yaml` to its processes as an argument: no password.
    url = url_without_password(dagster_database_url(), "dagster")
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url)


def _prepared_versions(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("select dagster_version from eventmill.dagster_schema").fetchall()
    return {name for (name,) in rows}


def _create_tables(*, upgrade: bool) -> None:
    from dagster_postgres import DagsterPostgresStorage

    DagsterPostgresStorage(storage_url())  # creates what is missing
    if upgrade:
        with open_instance() as instance:
            instance.upgrade()
