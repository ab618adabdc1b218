"""Files that hold an erased person are rewritten: the job, and the sensor that starts it."""

import hashlib
from datetime import UTC, datetime

import dagster as dg

from eventmill.core.database import connect
from eventmill.warehouse.erasing import due_days, erase_waiting
from orchestration.retries import database, three_with_backoff


@dg.op(
    retry_policy=three_with_backoff,
    pool="warehouse",
    out=dg.Out(dagster_type=int, description="Days whose files were rewritten."),
)
def rewrite_files(context: dg.OpExecutionContext) -> int:
    """Take everybody who was erased out of the warehouse's files. Says nothing of who it was."""
    with database("eventmill erase") as connection:
        days = erase_waiting(connection)
    context.log.info(f"{days} days rewritten")
    context.add_output_metadata({"days": days})
    return days


@dg.job(description="Takes erased people out of the files of the warehouse.")
def rewrite_erased() -> None:
    rewrite_files()


@dg.sensor(
    name="rewrite_erased_days",
    job=rewrite_erased,
    description=(
        "Has the warehouse's files rewritten when somebody was erased. What fails is tried again"
        " every hour, and alerts."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def rewrite_erased_days(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run at a time; a run does all that waits."""
    with connect(autocommit=True, application="eventmill erase") as connection:
        due = due_days(connection)
    if not due:
        return dg.SkipReason("no file holds anybody who was erased")
    what = sorted(f"{erasure_id}{destination}{day}" for erasure_id, destination, _, day in due)
    key = hashlib.sha256("".join(what).encode()).hexdigest()[:16]
    return dg.RunRequest(run_key=f"{key}-{datetime.now(UTC):%Y%m%d%H}")
