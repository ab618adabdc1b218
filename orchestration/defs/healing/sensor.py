"""The sensor that has days built again: exactly those that changed since they were built."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from eventmill.core.database import connect
from eventmill.core.days import DayWindow, parse_day
from eventmill.core.settings import get_settings
from orchestration.defs.healing.reasons import reasons_of, summary
from orchestration.defs.healing.waiting import Runs, waiting_days, windows
from orchestration.jobs import build_days
from orchestration.partitions import days_of_run, range_tags
from orchestration.tags import REASON_TAG, REBUILD_TAG

ON = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}
# Runs further back say nothing of what to do now: the longest pause after a failure is shorter.
LOOK_BACK = timedelta(days=1)
MOST_RUNS = 500
# Asked for at once; the others come with the next ticks.
MOST_REQUESTS = 25
LONGEST_REASON = 500


@dg.sensor(
    name="rebuild_days",
    job=build_days,
    description=(
        "Builds days again that got late events or lost some, whose sessions late events on other"
        " days change, or on which bots became people or people bots; and past days that were"
        " never built. A day at most every EVENTMILL_REBUILD_MINUTES."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def rebuild_days(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stretch of days; a day that fails waits longer each time, and by itself."""
    settings, now = get_settings(), datetime.now(UTC)
    pause = timedelta(minutes=settings.rebuild_minutes)
    with connect(autocommit=True, application="eventmill rebuild") as connection:
        waiting = waiting_days(connection, settings.first_day, now.date())
        due = [found for found in waiting if found.is_due(now, pause)]
        if not due:
            yield dg.SkipReason(
                f"{len(waiting)} days wait, none is due yet" if waiting else "no day waits"
            )
            return
        runs = recent_runs(context.instance, now)
        days = [found.day for found in due if not runs.holds_back(found.day, now, pause)]
        if not days:
            yield dg.SkipReason(f"{len(due)} days are being built, or failed lately")
        stretches = list(windows(days, runs.failures, settings.chunk_days))[:MOST_REQUESTS]
        for window in stretches:
            reason = summary(reasons_of(connection, list(window)))
            context.log.info(f"{window.first} to {window.last}: {reason}")
            yield dg.RunRequest(
                tags={
                    **range_tags(window),
                    REBUILD_TAG: "yes",
                    REASON_TAG: reason[:LONGEST_REASON],
                }
            )


def recent_runs(
    instance: dg.DagsterInstance, now: datetime, job_name: str = build_days.name
) -> Runs:
    """Which days any run is at or will be, and how often each failed since the job succeeded."""
    on = set[date]()
    failures = defaultdict[date, tuple[int, datetime]](lambda: (0, now))
    active = instance.get_run_records(dg.RunsFilter(statuses=list(ON)))
    for record in active:
        on |= set(_days_of(record.dagster_run))
    over = instance.get_run_records(
        dg.RunsFilter(job_name=job_name, updated_after=now - LOOK_BACK),
        limit=MOST_RUNS,
    )
    for record in sorted(over, key=lambda found: found.create_timestamp):
        run = record.dagster_run
        if run.status in ON:
            continue
        for day in _days_of(run):
            if run.is_success:
                failures.pop(day, None)
            else:
                ended = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else now
                failures[day] = (failures[day][0] + 1, ended)
    return Runs(on, dict(failures))


def _days_of(run: dg.DagsterRun) -> list[date]:
    days = days_of_run(run.tags)
    return list(DayWindow(*map(parse_day, days))) if days else []
