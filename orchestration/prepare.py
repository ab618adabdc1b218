"""Dagster's state, dbt's manifest and its views, before the services start: `eventmill prepare`.

Without the views the dashboards have no live numbers until the first build.
"""

import psycopg

from eventmill.core.database import BUILD_LOCK, advisory_lock, connect
from eventmill.core.errors import ConfigurationError
from eventmill.core.relations import is_there
from eventmill.core.settings import get_settings
from orchestration.building.invocation import run_dbt
from orchestration.code_server import write_workspace
from orchestration.instance import prepare_instance
from orchestration.project import fingerprint, prepare_manifest, target_path

# What live numbers are counted from. It takes seconds, whatever the size of raw; views on tables
# come with the first build, which makes those.
VIEWS_AND_SEEDS = [
    "build",
    "--select", "+int_traffic", "metric_definitions", "resource_type:seed",
    "--exclude-resource-type", "test", "unit_test",
]  # fmt: skip


def prepare() -> None:
    """Make the instance, the manifest, and dbt's views and seeds if the project changed."""
    prepare_instance()
    write_workspace()
    prepare_manifest()
    with connect(autocommit=True, application="eventmill prepare") as connection:
        _prepare_views(connection)


def _prepare_views(connection: psycopg.Connection) -> None:
    stamp = get_settings().manifest_dir / "views.sha256"
    known = stamp.read_text() if stamp.exists() else None
    with advisory_lock(connection, BUILD_LOCK):
        if known == fingerprint() and is_there(connection, "intermediate.int_events"):
            return
        with target_path("prepare") as folder:
            outcome = run_dbt(VIEWS_AND_SEEDS, folder)
    if outcome.errors:
        raise ConfigurationError(f"dbt cannot make its views: {'; '.join(outcome.errors)}")
    stamp.write_text(fingerprint())
