"""The sensor that has days built again: exactly those that changed since they were built."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from eventmill.core.database import connect
from eventmill.core.days import stretches
from eventmill.core.settings import get_settings
from orchestration.partitions import range_tags
from orchestration.rebuilding.reasons import reasons_of, summary
from orchestration.rebuilding.waiting import waiting_days
from orchestration.runs import recent_runs
from orchestration.tags import BUILD_JOB, REASON_TAG, REBUILD_TAG

# Runs that wait or go on at a time. Of a thousand late days the others are asked for when these are
# done, so that what is newer, a night or a backfill finds a short queue.
MOST_RUNS = 4
LONGEST_REASON = 500


@dg.sensor(
    name="rebuild_days",
    job_name=BUILD_JOB,
    description=(
        "Builds days again that got late events or lost some, whose sessions late events on other"
        " days change, or on which bots became people or people bots; and past days that were"
        " never built. A day at most every EVENTMILL_REBUILD_MINUTES."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def rebuild_days(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stretch of days, newest first.

    A day that fails waits longer each time, and by itself.
    """
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
        runs = recent_runs(context.instance, now, BUILD_JOB)
        days = [found.day for found in due if not runs.holds_back(found.day, now, pause)]
        if not days:
            yield dg.SkipReason(f"{len(due)} days are being built, or failed lately")
        if runs.rebuilds >= MOST_RUNS:
            yield dg.SkipReason(f"{len(days)} days wait for {runs.rebuilds} runs before them")
            return
        windows = stretches(days, settings.chunk_days, runs.failures)
        for window in windows[::-1][: MOST_RUNS - runs.rebuilds]:
            reason = summary(reasons_of(connection, list(window)))
            context.log.info(f"{window.first} to {window.last}: {reason}")
            yield dg.RunRequest(
                tags={
                    **range_tags(window),
                    REBUILD_TAG: "yes",
                    REASON_TAG: reason[:LONGEST_REASON],
                }
            )
