"""The days that wait to be built (again), and which of them are due."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import LiteralString

import psycopg

from eventmill.core.days import ONE_DAY, day_start
from orchestration.rebuilding.reasons import built_relation

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
    query = WAITING.replace("{builds}", built_relation(connection))
    rows = connection.execute(query, {"first_day": first_day, "today": today})
    return [Waiting(*row) for row in rows.fetchall()]
