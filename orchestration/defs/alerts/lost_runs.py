"""Runs whose process is gone: killed, or cut off by a crash of the machine.

Such a run stays "started" for ever, and the queue keeps its place in the pool: no later build would
start. Dagster's own launcher has no health check for processes, so this sensor looks for them.
"""

import socket

import dagster as dg
import psutil

from orchestration.tags import HOST_TAG


@dg.sensor(
    name="lost_runs",
    description="Marks a run as failed when its process is gone, so that the next can start.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Looks at the runs of this machine only; a process id means nothing on another."""
    lost = [
        record.dagster_run
        for record in context.instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
        )
        if _is_here(record.dagster_run) and _is_gone(context.instance, record.dagster_run.run_id)
    ]
    for run in lost:
        context.instance.report_run_failed(run, "The run's process is gone: killed, or crashed.")
    return dg.SkipReason(f"{len(lost)} runs were lost" if lost else "no run was lost")


def _is_here(run: dg.DagsterRun) -> bool:
    return run.tags.get(HOST_TAG, socket.gethostname()) == socket.gethostname()


def _is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the process that last reported itself for the run has ended."""
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is None:
            continue
        try:
            started = psutil.Process(int(str(pid.value))).create_time()
        except psutil.NoSuchProcess:
            return True
        return started > entry.timestamp  # a younger process was given the same number
    return False  # not reported yet: the monitoring's start time-out covers it
