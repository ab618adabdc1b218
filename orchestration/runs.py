"""Reads Dagster's runs: which days are being built, which failed, and where a run continues."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from eventmill.core.days import DayWindow, parse_day
from orchestration.partitions import days_of_run
from orchestration.tags import REBUILD_TAG

ON = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# Runs further back say nothing of what to do now: the longest pause after a failure is shorter.
LOOK_BACK = timedelta(days=1)
MOST_RUNS = 500
LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of late say of days: those that are on, and failures since the last success."""

    on: Collection[date]
    failures: Mapping[date, tuple[int, datetime]]
    rebuilds: int = 0
    """How many of the runs that are on were asked for by the sensor `rebuild_days`."""

    def holds_back(self, day: date, now: datetime, pause: timedelta) -> bool:
        """Whether `day` is being built, or failed so lately that it is too early to try again."""
        if day in self.on:
            return True
        failures, last = self.failures.get(day, (0, now))
        return bool(failures) and now - last < back_off(failures, pause)


def back_off(failures: int, pause: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time."""
    shortest = max(pause, timedelta(minutes=1))
    return min(shortest * int(2 ** min(failures, 20)), LONGEST_PAUSE)


def recent_runs(instance: dg.DagsterInstance, now: datetime, job_name: str) -> Runs:
    """Which days any run is at or will be, and how often each failed since the job succeeded."""
    on = set[date]()
    failures = defaultdict[date, tuple[int, datetime]](lambda: (0, now))
    rebuilds = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=ON)):
        on |= set(_days_of(record.dagster_run))
        rebuilds += REBUILD_TAG in record.dagster_run.tags
    over = instance.get_run_records(
        dg.RunsFilter(job_name=job_name, updated_after=now - LOOK_BACK), limit=MOST_RUNS
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
    return Runs(on, dict(failures), rebuilds)


def _days_of(run: dg.DagsterRun) -> list[date]:
    days = days_of_run(run.tags)
    return list(DayWindow(*map(parse_day, days))) if days else []


def runs_to_resume(context: dg.AssetExecutionContext) -> list[str]:
    """This run and those before it that it repeats because they did not come to their end.

    Whoever executes a run again that succeeded wants all of it to be done again.
    """
    found = [context.run.run_id]
    parent_id = context.run.parent_run_id
    while parent_id is not None:
        parent = context.instance.get_run_by_id(parent_id)
        if parent is None or parent.is_success:
            break
        found.append(parent.run_id)
        parent_id = parent.parent_run_id
    return found
