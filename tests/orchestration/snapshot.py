"""Everything that Dagster is told, as text; `python -m tests.orchestration.snapshot` writes it.

A change of definitions then shows in the diff of definitions.txt, where a reviewer sees it.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

FILE = Path(__file__).with_name("definitions.txt")


def text(defs: dg.Definitions) -> str:
    """Assets with their checks, then jobs, schedules and sensors, each sorted by name."""
    return "\n".join([*_assets(defs), *_jobs(defs), *_schedules(defs), *_sensors(defs), ""])


def _assets(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.resolve_asset_graph()
    specs = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)
    for spec in specs:
        node = graph.get(spec.key)
        yield f"asset {spec.key.to_user_string()}"
        yield f"  group {spec.group_name}, owners {', '.join(spec.owners)}"
        yield f"  kinds {', '.join(sorted(spec.kinds))}"
        how = "materialized" if node.is_materializable else "external"
        yield f"  {'observed' if node.is_observable else how}, partitions {_partitions(spec)}"
        if node.is_materializable:
            policy = node.backfill_policy
            yield f"  a range is {policy.policy_type.value if policy else 'a run for each day'}"
        for dep in sorted(spec.deps, key=lambda dep: dep.asset_key):
            mapping = dep.partition_mapping
            days = ""
            if isinstance(mapping, dg.TimeWindowPartitionMapping):
                days = f", days {mapping.start_offset:+} to {mapping.end_offset:+}"
            yield f"  reads {dep.asset_key.to_user_string()}{days}"
        if spec.freshness_policy:
            yield f"  freshness {spec.freshness_policy}"
        if spec.automation_condition:
            yield f"  automation {spec.automation_condition.get_label()}"
        for check in sorted(graph.get_check_keys_for_assets({spec.key})):
            yield f"  check {check.name}"
        yield ""


def _partitions(spec: dg.AssetSpec) -> str:
    return "none" if spec.partitions_def is None else type(spec.partitions_def).__name__


def _jobs(defs: dg.Definitions) -> Iterator[str]:
    for job in sorted(defs.resolve_all_job_defs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            yield f"job {job.name}"
            yield f"  steps {', '.join(sorted(node.name for node in job.nodes))}"
            yield f"  partitions {'days' if job.partitions_def else 'none'}"
            yield ""


def _schedules(defs: dg.Definitions) -> Iterator[str]:
    for schedule in sorted(defs.get_repository_def().schedule_defs, key=lambda found: found.name):
        yield f"schedule {schedule.name} of {schedule.job_name}"
        yield f"  {schedule.cron_schedule} {schedule.execution_timezone}"
        yield f"  {schedule.default_status.value}"
        yield ""


def _sensors(defs: dg.Definitions) -> Iterator[str]:
    for sensor in sorted(defs.get_repository_def().sensor_defs, key=lambda found: found.name):
        targets = ", ".join(target.job_name for target in sensor.targets)
        yield f"sensor {sensor.name}{f' of {targets}' if targets else ''}"
        yield f"  every {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"
        yield ""


if __name__ == "__main__":
    from orchestration.definitions import defs
    from orchestration.project import prepare_manifest

    prepare_manifest()
    FILE.write_text(text(defs()))
