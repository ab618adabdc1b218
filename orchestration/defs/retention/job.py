"""The monthly job that drops raw partitions older than EVENTMILL_RETENTION_DAYS."""

from datetime import timedelta

import dagster as dg

from eventmill.core.database import BUILD_LOCK, advisory_lock
from eventmill.core.days import utc_today
from eventmill.core.settings import get_settings
from orchestration.defs.retention import queries
from orchestration.retries import database, three_with_backoff


@dg.op(
    retry_policy=three_with_backoff,
    out=dg.Out(dagster_type=dict, description="Days by what became of them."),
)
def drop_old_days(context: dg.OpExecutionContext) -> dict[str, int]:
    """Drop the raw events of days that are over the retention period and safe in the marts.

    A day stays, and fails the run so that somebody is told, while it is not built, got events
    after its build, or is not exported though exports are on. The marts stay as they are.
    """
    settings = get_settings()
    days = settings.retention_days
    destination = settings.warehouse_location if settings.warehouse_export else None
    if days == 0:
        context.log.info("EVENTMILL_RETENTION_DAYS is 0: everything is kept")
        return {"dropped": 0, "kept back": 0}
    before = utc_today() - timedelta(days=days)
    with (
        database("eventmill retention") as connection,
        # A build that reads a day while it goes would replace its marts by what is left.
        advisory_lock(connection, BUILD_LOCK),
    ):
        partitions = queries.partitions_before(connection, before)
        kept = queries.kept_back(connection, before, partitions, destination)
        going = [partition for partition in partitions if partition.day not in kept]
        for partition in going:
            queries.drop(connection, partition)
            context.log.info(f"dropped the raw events of {partition.day}")
    counts = {"dropped": len(going), "kept back": len(kept)}
    context.add_output_metadata({**counts, "before": before.isoformat()})
    if kept:
        reasons = "; ".join(f"{day} {reason}" for day, reason in sorted(kept.items())[:10])
        raise dg.Failure(
            description=f"{len(kept)} days older than {days} days are kept: {reasons}",
            allow_retries=False,
        )
    return counts


@dg.job(description="Drops raw events that are older than EVENTMILL_RETENTION_DAYS.")
def retention() -> None:
    drop_old_days()


monthly_retention = dg.ScheduleDefinition(
    name="monthly_retention",
    job=retention,
    cron_schedule="0 4 1 * *",
    execution_timezone="UTC",
    description="Drops raw events past their retention on the first of each month at 04:00 UTC.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
