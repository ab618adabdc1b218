"""What Dagster is told, without running it."""

import re
from datetime import UTC, datetime

import dagster as dg
import pytest

from eventmill.core.days import ONE_DAY, utc_today
from eventmill.core.rebuilds import SESSION_READS
from orchestration.project import prepare_manifest
from tests.support import PROJECT_ROOT

ASSETS = {
    "raw_events", "user_agents", "referrers", "stg_raw__events", "ga4_source_categories",
    "int_events", "attribution", "daily_metrics", "daily_builds", "build_receipts",
    "metric_changes", "metric_definitions",
}  # fmt: skip


# Tables that something else writes, which have no partitions here.
NOT_OURS = {
    "identities", "tracking_plan", "ad_spend", "platform_currency", "builds", "replaced_days",
    "replaced_metrics", "lifecycle_events", "nightly_build",
}  # fmt: skip


@pytest.fixture(scope="module")
def defs(home: object, processes: None) -> dg.Definitions:
    from orchestration.definitions import defs as load

    prepare_manifest()
    return load()


def _specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_every_asset_is_there(defs: dg.Definitions) -> None:
    assert _specs(defs).keys() >= ASSETS


def test_every_asset_says_whose_it_is_and_what(defs: dg.Definitions) -> None:
    for name, spec in _specs(defs).items():
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.description, name
        assert spec.group_name, name


def test_every_asset_has_the_same_days_and_builds_a_range_in_one_run(defs: dg.Definitions) -> None:
    from orchestration.partitions import daily

    for asset in defs.resolve_asset_graph().assets_defs:
        if not asset.keys:  # a check
            continue
        if not asset.is_executable:
            assert {key.to_user_string() for key in asset.keys} <= NOT_OURS
            continue
        assert asset.partitions_def == daily, asset.keys
        if asset.is_materializable:
            assert asset.backfill_policy == dg.BackfillPolicy.single_run(), asset.keys


def test_enrichment_comes_between_raw_and_the_models(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()

    def parents(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}

    assert parents("user_agents") == parents("referrers") == {"raw_events"}
    assert parents("stg_raw__events") == {"raw_events"}
    assert parents("int_events") >= {"user_agents", "referrers", "stg_raw__events"}
    assert "int_events" in parents("int_entity_days")
    assert "int_entity_days" in parents("daily_metrics")


def test_the_night_builds_the_last_two_days_as_one_run(defs: dg.Definitions) -> None:
    from orchestration.partitions import days_of_run

    schedule = defs.resolve_schedule_def("nightly")
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "UTC"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=datetime(2024, 3, 11, 2, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        )
    )
    (request,) = tick.run_requests or []
    assert request.partition_key is None
    assert days_of_run(request.tags) == ("2024-03-09", "2024-03-10")
    assert request.run_key == "2024-03-10"
    assert request.tags["eventmill/night"]
    assert int(request.tags["dagster/priority"]) > 0


def test_sensors_run_without_being_switched_on(defs: dg.Definitions) -> None:
    for sensor in defs.sensors or []:
        assert isinstance(sensor, dg.SensorDefinition)
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING, sensor.name


def test_only_builds_and_exports_wait_for_their_like(defs: dg.Definitions) -> None:
    assets = defs.resolve_asset_graph().assets_defs
    pools = {asset.op.name: asset.op.pool for asset in assets if asset.is_executable}
    assert {name for name, pool in pools.items() if pool} == {
        "dbt_models",
        "warehouse_tables",
    }


def test_a_build_makes_all_but_the_export(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("build_days")
    assert {node.name for node in job.nodes} >= {"dbt_models", "user_agents", "referrers"}
    assert not {node.name for node in job.nodes} & {"warehouse_tables", "observe_raw_events"}


def test_the_lineage_shows_which_days_a_session_reads(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    mapping = graph.get_partition_mapping(
        dg.AssetKey("sessions"), parent_asset_key=dg.AssetKey("raw_events")
    )
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert (mapping.start_offset, mapping.end_offset) == SESSION_READS
    first, last = SESSION_READS
    model = (PROJECT_ROOT / "dbt_project" / "models" / "marts" / "sessions.sql").read_text()
    reads = {int(days or 0) for days in re.findall(r"batch_start\((-?\d*)\)", model)}
    # Half-open: up to the start of the day after the last.
    assert (min(reads), max(reads)) == (first, last + 1)


@pytest.mark.usefixtures("processes")
def test_the_project_is_parsed_only_when_it_changed(home: object) -> None:
    prepare_manifest()
    assert not prepare_manifest()


def test_days_end_yesterday(defs: dg.Definitions) -> None:
    from orchestration.partitions import daily

    before = utc_today() - ONE_DAY
    last = daily.get_last_partition_key()
    assert last in {before.isoformat(), (utc_today() - ONE_DAY).isoformat()}  # midnight may pass
    assert daily.get_first_partition_key() == "2015-01-01"
