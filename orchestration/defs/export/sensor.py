"""The sensor that starts the export of built days, and alerts when one is overdue."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from eventmill.core.database import connect
from eventmill.core.days import stretches
from eventmill.core.settings import get_settings
from eventmill.warehouse.status import waiting_days
from orchestration.alerts import send
from orchestration.defs.export.jobs import COMPLETE
from orchestration.partitions import range_tags
from orchestration.runs import recent_runs
from orchestration.tags import EXPORT_JOB

# Asked for at once; the others come with the next ticks.
MOST_REQUESTS = 4
# After a failure: twice as long each time.
PAUSE = timedelta(minutes=5)
# A night is exported in minutes; a year that a new destination lacks is not overdue at once.
PATIENCE = timedelta(hours=3)


@dg.sensor(
    name="export_built_days",
    job_name=EXPORT_JOB,
    description=(
        "Exports days to the warehouse as soon as they are built: after each night, and again when"
        " late events, an erasure or a backfill had them built anew; alerts when one is not"
        " exported three hours after its build. EVENTMILL_WAREHOUSE_EXPORT turns it off."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def export_built_days(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run for each stretch of days; a day that failed waits, and goes by itself."""
    settings, now = get_settings(), datetime.now(UTC)
    if not settings.warehouse_export:
        return dg.SensorResult(skip_reason="EVENTMILL_WAREHOUSE_EXPORT is off")
    with connect(autocommit=True, application="eventmill export") as connection:
        waiting = waiting_days(connection, settings.warehouse_location)
        overdue = waiting_days(connection, settings.warehouse_location, before=now - PATIENCE)
    runs = recent_runs(context.instance, now, EXPORT_JOB)
    days = [day for day in waiting if not runs.holds_back(day, now, PAUSE)]
    requests = [
        dg.RunRequest(tags=range_tags(window))
        for window in stretches(days, settings.chunk_days, runs.failures)[:MOST_REQUESTS]
    ]
    why = f"{len(waiting)} days are being exported, or failed lately" if waiting else "all is there"
    state = f"overdue {overdue[0]} to {overdue[-1]}" if overdue else "complete"
    if state == context.cursor:
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else why)
    said = "every built day is exported, or about to be"
    if overdue:
        said = (
            f"{len(overdue)} built days, {overdue[0]} to {overdue[-1]}, are not exported"
            f" {PATIENCE.seconds // 3600} hours after their build"
        )
        alert = {"text": f"Eventmill: {said}", "event": "export_overdue", "day": str(overdue[0])}
        send(context.log, f"export-{overdue[0]}", alert)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else why,
        cursor=state,
        asset_events=[
            dg.AssetCheckEvaluation(
                asset_key=COMPLETE.asset_key,
                check_name=COMPLETE.name,
                passed=not overdue,
                metadata={"days": len(overdue)},
                description=said,
            )
        ],
    )


@dg.asset_check(
    name=COMPLETE.name,
    asset=COMPLETE.asset_key,
    description="Every built day is exported. Looked at by a sensor every 30 seconds.",
)
def every_built_day_is_exported() -> dg.AssetCheckResult:
    """The same question, asked by hand."""
    location = get_settings().warehouse_location
    with connect(autocommit=True, application="eventmill export") as connection:
        waiting = waiting_days(connection, location)
    return dg.AssetCheckResult(passed=not waiting, metadata={"days": len(waiting)})
