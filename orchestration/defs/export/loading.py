"""Exported days are loaded into the warehouse of the settings: the job, and its sensor."""

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import dagster as dg

from eventmill.core.database import connect
from eventmill.core.settings import get_settings
from eventmill.warehouse import open_root
from eventmill.warehouse.loading import DayLoaded, load
from orchestration.retries import database, three_with_backoff

# An erasure's rewriting is an export too.
LAST_EXPORT: LiteralString = """
select max(exported_at), count(*)
from ops.exported_days
where destination = %(destination)s
"""
PAUSE = timedelta(hours=1)


@dg.op(
    retry_policy=three_with_backoff,
    pool="warehouse_load",
    out=dg.Out(dagster_type=int, description="Days that were loaded."),
)
def load_days(context: dg.OpExecutionContext) -> int:
    """Load the days that were exported since they were loaded last."""

    def say(done: DayLoaded, number: int, total: int) -> None:
        rows = ", ".join(f"{table} {count:,} rows" for table, count in done.rows.items())
        context.log.info(f"{done.day}: {rows}; {number} of {total} days")

    with database("eventmill load") as connection:
        outcome = load(connection, open_root(), None, say)
    context.add_output_metadata(
        {
            "destination": outcome.destination,
            "dataset": outcome.dataset,
            "days": len(outcome.days),
            "rows": outcome.rows,
            "days that were there already": outcome.unchanged,
        }
    )
    return len(outcome.days)


@dg.job(description="Loads exported days into the warehouse of EVENTMILL_WAREHOUSE_DESTINATION.")
def load_warehouse() -> None:
    load_days()


@dg.sensor(
    name="load_exported_days",
    job=load_warehouse,
    description=(
        "Has days loaded into the warehouse as soon as they are exported, if there is one:"
        " EVENTMILL_WAREHOUSE_DESTINATION. What fails is tried again every hour, and alerts."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def load_exported_days(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run at a time; a run loads all that waits."""
    settings = get_settings()
    if settings.warehouse_destination is None:
        return dg.SensorResult(skip_reason="EVENTMILL_WAREHOUSE_DESTINATION is not set")
    with connect(autocommit=True, application="eventmill load") as connection:
        row = connection.execute(
            LAST_EXPORT, {"destination": settings.warehouse_location}
        ).fetchone()
    last, days = row or (None, 0)
    if last is None:
        return dg.SensorResult(skip_reason="nothing is exported yet")
    state = f"{settings.warehouse_destination} {settings.warehouse_dataset} {last} {days}"
    latest = context.instance.get_run_records(
        dg.RunsFilter(job_name=load_warehouse.name), limit=1, order_by="id"
    )
    if latest and not latest[0].dagster_run.is_finished:
        return dg.SensorResult(skip_reason="a load is running")
    failed = bool(latest) and latest[0].dagster_run.status == dg.DagsterRunStatus.FAILURE
    if state == context.cursor and not failed:
        return dg.SensorResult(skip_reason="all is loaded")
    if state == context.cursor and datetime.now(UTC) - latest[0].create_timestamp < PAUSE:
        return dg.SensorResult(skip_reason="the last load failed: it is tried again in an hour")
    return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=state)
