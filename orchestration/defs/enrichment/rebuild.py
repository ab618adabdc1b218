"""Days whose events were classified anew after they were built, and so are built again."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import dagster as dg

from eventmill.database import connect
from eventmill.days import ONE_DAY, DayWindow
from orchestration.defs.enrichment.queries import days_to_rebuild
from orchestration.jobs import build_days
from orchestration.partitions import range_tags


@dg.sensor(
    name="rebuild_days",
    job=build_days,
    description=(
        "Builds days again on which bots became people, or people bots, because the list of bots"
        " (the seed `bots`) or ua-parser's rules changed."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def rebuild_days(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stretch of days in a month, asked for once.

    A day waits until a build that began after it was asked for; a run that fails alerts, and is
    not asked for again by itself.
    """
    with connect(autocommit=True, application="eventmill rebuild") as connection:
        asked = days_to_rebuild(connection)
    if not asked:
        yield dg.SkipReason("no day has to be built again")
    for window in stretches(asked):
        latest = max(asked[day] for day in window)
        yield dg.RunRequest(
            run_key=f"{window.first} {window.last} {latest.isoformat()}", tags=range_tags(window)
        )


def stretches(days: Mapping[date, datetime]) -> Iterator[DayWindow]:
    """Consecutive days of one month as windows, in order: what fails costs no more than a month."""
    first = last = None
    for day in sorted(days):
        if first is None or last is None or day != last + ONE_DAY or day.month != first.month:
            if first is not None and last is not None:
                yield DayWindow(first, last)
            first = day
        last = day
    if first is not None and last is not None:
        yield DayWindow(first, last)
