"""The SQL behind every metrics answer.

Built days are rows of `marts.daily_metrics`; a day is built when `marts.daily_builds` has its
receipt. Everything else is counted from `intermediate.int_events`, the view that the marts are
built from, so a live number and a built one follow the same definitions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql

from dashboards_api.database import rows, tuples
from dashboards_api.ranges import Interval
from eventmill.days import DayWindow

# The tables of built days come with the first backfill, the views before it.
MOMENT = """
select
    now() as now,
    to_regclass('marts.daily_builds') is not null as has_builds,
    (select min(definition) from marts.metric_definitions) as definition
"""

BUILT_THROUGH = "select max(date) from marts.daily_builds"

RECEIPTS = """
select date, built_at, definition
from marts.daily_builds
where date between %(first)s and %(last)s
order by date
"""

BUILT_DAYS = """
select date, views, clicks, conversions, revenue_cents, unique_visitors, engagement_time
from marts.daily_metrics
where {built} and date = any(%(days)s)
"""

LIVE_DAYS = """
select
    (occurred_at at time zone 'UTC')::date as date,
    sum(views)::bigint as views,
    sum(clicks)::bigint as clicks,
    sum(conversions)::bigint as conversions,
    sum(revenue_cents)::bigint as revenue_cents,
    count(distinct visitor_id) as unique_visitors,
    sum(engagement_ms)::bigint as engagement_time,
    count(*) filter (where not is_user_agent_enriched) as unclassified
from intermediate.int_events
where {live} and ({windows}) and is_counted
group by 1
"""

# The inner distinct is a hash table; count(distinct) would sort every event of the range.
VISITORS = """
select count(*)
from (
    select distinct visitor_id
    from intermediate.int_events
    where {live} and occurred_at >= %(start)s and occurred_at < %(end)s and is_counted
) as visitors
"""

VISITORS_OF_POINTS = """
select point, count(*) as unique_visitors
from (
    select distinct
        date_trunc(%(interval)s, occurred_at at time zone 'UTC')::date as point,
        visitor_id
    from intermediate.int_events
    where {live} and occurred_at >= %(start)s and occurred_at < %(end)s and is_counted
) as visitors
group by point
"""

UNCLASSIFIED = """
select
    coalesce(array_agg(distinct user_agent) filter (where not is_user_agent_enriched), '{{}}'),
    coalesce(array_agg(distinct referrer_domain) filter (where not is_referrer_enriched), '{{}}')
from intermediate.int_events
where
    {live} and occurred_at >= %(start)s and occurred_at < %(end)s
    and not (is_user_agent_enriched and is_referrer_enriched)
"""

WINDOW = "(occurred_at >= {start} and occurred_at < {end})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose numbers: a condition on the marts' rows and the same one on events."""

    built: LiteralString
    live: LiteralString
    parameters: Mapping[str, Any]

    def compose(self, query: LiteralString, **parts: sql.Composable) -> sql.Composed:
        return sql.SQL(query).format(built=sql.SQL(self.built), live=sql.SQL(self.live), **parts)

    def over(self, days: DayWindow) -> dict[str, Any]:
        """The query parameters of this scope and a window."""
        return {**self.parameters, "start": days.start, "end": days.end}


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot is: its time, whether anything was ever built, the definitions in use."""

    now: datetime
    has_builds: bool
    definition: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A day is built: when, and by which definitions."""

    date: date
    built_at: datetime
    definition: str


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of one UTC day. `unclassified` events have a user agent never seen before."""

    date: date
    views: int
    clicks: int
    conversions: int
    revenue_cents: int
    unique_visitors: int
    engagement_time: int
    unclassified: int = 0


async def moment(connection: AsyncConnection) -> Moment:
    [found] = await rows(connection, Moment, MOMENT)
    return found


async def built_through(connection: AsyncConnection) -> date | None:
    [(last,)] = await tuples(connection, BUILT_THROUGH)
    return last  # type: ignore[no-any-return]


async def receipts(connection: AsyncConnection, days: DayWindow) -> list[Receipt]:
    """The built days of a window, in order."""
    return await rows(connection, Receipt, RECEIPTS, {"first": days.first, "last": days.last})


async def built_days(connection: AsyncConnection, scope: Scope, days: Sequence[date]) -> list[Day]:
    """The built numbers of `days`; a day without events has no row."""
    parameters = {**scope.parameters, "days": list(days)}
    return await rows(connection, Day, scope.compose(BUILT_DAYS), parameters)


async def live_days(
    connection: AsyncConnection, scope: Scope, windows: Sequence[DayWindow]
) -> list[Day]:
    """The same from events. Each window's bounds are constants of the plan: only its partitions
    are read."""
    conditions, parameters = [], dict(scope.parameters)
    for number, window in enumerate(windows):
        start, end = f"start_{number}", f"end_{number}"
        conditions.append(
            sql.SQL(WINDOW).format(start=sql.Placeholder(start), end=sql.Placeholder(end))
        )
        parameters |= {start: window.start, end: window.end}
    query = scope.compose(LIVE_DAYS, windows=sql.SQL(" or ").join(conditions))
    return await rows(connection, Day, query, parameters)


async def visitors(connection: AsyncConnection, scope: Scope, days: DayWindow) -> int:
    """Different visitors of the whole window."""
    [(number,)] = await tuples(connection, scope.compose(VISITORS), scope.over(days))
    return number  # type: ignore[no-any-return]


async def visitors_of_points(
    connection: AsyncConnection, scope: Scope, days: DayWindow, interval: Interval
) -> dict[date, int]:
    """Different visitors of each week or month, by its first day."""
    parameters = {**scope.over(days), "interval": interval}
    return dict(await tuples(connection, scope.compose(VISITORS_OF_POINTS), parameters))


async def unclassified_values(
    connection: AsyncConnection, scope: Scope, days: DayWindow
) -> tuple[list[str], list[str]]:
    """Distinct user agents and referring domains of `days` that no run has classified yet."""
    [found] = await tuples(connection, scope.compose(UNCLASSIFIED), scope.over(days))
    return found
