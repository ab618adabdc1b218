"""The job that builds days, and the schedule that launches it every night."""

import dagster as dg

from eventmill.core.days import ONE_DAY, DayWindow
from eventmill.core.settings import get_settings
from orchestration.partitions import daily, range_tags
from orchestration.tags import BUILD_JOB, NIGHT_TAG, PRIORITY_TAG

# The export has a job of its own: a bucket that is away is no reason to build a day again.
# raw_events is left out because each build notes by itself what it saw of raw.events.
build_days = dg.define_asset_job(
    BUILD_JOB,
    selection=dg.AssetSelection.all().materializable() - dg.AssetSelection.groups("warehouse"),
    partitions_def=daily,
    description="Enrichment and every dbt model of a UTC day, or of a range of days in one run.",
)

# Dagster starts the run with the greatest priority first when several wait.
NIGHT_PRIORITY = "10"


# At 02:00 the latest batches of the day before have arrived, and it has its partition.
@dg.schedule(
    name="nightly",
    job_name=BUILD_JOB,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description=(
        "Builds the day before, every night at 02:00 UTC, and the one before that again: sessions"
        " that ran past its midnight are complete only now."
    ),
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run of two days."""
    last = context.scheduled_execution_time.date() - ONE_DAY
    window = DayWindow(max(last - ONE_DAY, min(last, get_settings().first_day)), last)
    return dg.RunRequest(
        run_key=last.isoformat(),
        tags={**range_tags(window), NIGHT_TAG: "yes", PRIORITY_TAG: NIGHT_PRIORITY},
    )
