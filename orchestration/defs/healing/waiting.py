"""The days that wait to be built (again), and which of them are to be asked for now."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import LiteralString

import psycopg

from eventmill.core.days import ONE_DAY, DayWindow, day_start
from orchestration.defs.healing.reasons import NO_BUILDS
from orchestration.relations import has_builds

# A replaced day is one whose build did not succeed, or is still on.
WAITING: LiteralString = """
with waiting as (
    select
        day,
        max(touched_at) as touched_at
    from (
        select day, touched_at from raw.touched_days
        union all
        select day, null from enrichment.days_to_rebuild
        union all
        select day, null from enrichment.replaced_days
    ) as found
    where day >= %(first_day)s and day < %(today)s
    group by day
)

select
    waiting.day,
    built.date is not null as is_built,
    waiting.touched_at,
    (
        select max(coalesce(finished_at, failed_at, started_at))
        from enrichment.builds
        where waiting.day between builds.first_day and builds.last_day
    ) as tried_at
from waiting
left join {builds} as built on waiting.day = built.date
order by waiting.day
"""

# The schedule builds yesterday at 02:00; an hour later a day without a build needs help.
NIGHT_IS_OVER = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A day that is over and whose marts are not what its events say."""

    day: date
    is_built: bool
    touched_at: datetime | None
    tried_at: datetime | None

    def is_due(self, now: datetime, pause: timedelta) -> bool:
        """Whether to build it now, `pause` at least after it was tried last.

        A day that nothing has built yet is left to settle, as a log that is being imported: it is
        counted live, and whoever imports may be about to build it.
        """
        if self.tried_at is not None:
            return now - self.tried_at >= pause
        if not self.is_built and now < day_start(self.day + ONE_DAY) + NIGHT_IS_OVER:
            return False
        return self.touched_at is None or now - self.touched_at >= pause


def waiting_days(connection: psycopg.Connection, first_day: date, today: date) -> list[Waiting]:
    """Every day from `first_day` to the day before `today` that waits, in order."""
    query = WAITING.replace(
        "{builds}", "marts.daily_builds" if has_builds(connection) else NO_BUILDS
    )
    rows = connection.execute(query, {"first_day": first_day, "today": today})
    return [Waiting(*row) for row in rows.fetchall()]


def windows(days: Collection[date], alone: Collection[date], longest: int) -> Iterator[DayWindow]:
    """Consecutive days of `days` as windows of at most `longest` days, in order.

    Those in `alone` have failed, and get a window each: so they hold up no other.
    """
    stretch: list[date] = []
    for day in sorted(days):
        if stretch and (
            day != stretch[-1] + ONE_DAY
            or len(stretch) == longest
            or day in alone
            or stretch[-1] in alone
        ):
            yield DayWindow(stretch[0], stretch[-1])
            stretch = []
        stretch.append(day)
    if stretch:
        yield DayWindow(stretch[0], stretch[-1])


@dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of late say of days: those that are on, and failures since the last success."""

    on: Collection[date]
    failures: Mapping[date, tuple[int, datetime]]

    def holds_back(self, day: date, now: datetime, pause: timedelta) -> bool:
        """Whether `day` is being built, or failed so lately that it is too early to try again."""
        if day in self.on:
            return True
        failures, last = self.failures.get(day, (0, now))
        return bool(failures) and now - last < back_off(failures, pause)


LONGEST_PAUSE = timedelta(hours=6)


def back_off(failures: int, pause: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time."""
    shortest = max(pause, timedelta(minutes=1))
    return min(shortest * int(2 ** min(failures, 20)), LONGEST_PAUSE)
