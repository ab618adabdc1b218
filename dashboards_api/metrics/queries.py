"""Which days are built, and which user agents and referrers no run has classified yet.

A day is built when `marts.daily_builds` has its receipt: its numbers then are rows of roll-ups, all
of one build. Every other day is counted from `intermediate.int_traffic`, the view that those are
built from, so a live number and a built one follow the same definitions.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg import AsyncConnection

from dashboards_api.database import rows, tuples
from dashboards_api.metrics.scopes import Scope
from eventmill.core.days import DayWindow, utc_today

# The tables of built days come with the first backfill, the views before it.
MOMENT = """
select
    now() as now,
    to_regclass('marts.daily_builds') is not null
    and to_regclass('intermediate.int_platform_visitors') is not null as has_builds,
    (select min(definition) from marts.metric_definitions) as definition
"""

# The view of receipts is worked out once for both: as a whole it takes most of the time. A day with
# events has a row of the platform, unless it was built before there were sets; and every day has
# its bitmap, unless it was built before there were those and the traffic by channel.
BUILT_DAYS = """
with builds as materialized (
    select date, built_at, definition, events from marts.daily_builds
)

select last_day.date as built_through, receipts.date, receipts.built_at, receipts.definition
from (select max(date) as date from builds) as last_day
left join (
    select date, built_at, definition
    from builds
    where
        date between %(first)s and %(last)s
        and exists (
            select from intermediate.int_platform_visitors as bitmaps
            where bitmaps.date = builds.date
        )
        and (
            events = 0
            or exists (
                select from intermediate.int_entity_days as days
                where
                    days.date = builds.date
                    and ip_asset_id is null and project_id is null and license_id is null
            )
        )
) as receipts on true
order by receipts.date
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


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot is: its time, whether anything was ever built, the definitions in use."""

    now: datetime
    has_builds: bool
    definition: str
    today: date = field(default_factory=utc_today)


@dataclass(frozen=True, slots=True)
class BuiltDay:
    """A day that is built: when, and by which definitions."""

    date: date
    built_at: datetime
    definition: str


async def moment(connection: AsyncConnection) -> Moment:
    [found] = await rows(connection, Moment, MOMENT)
    return found


async def built_days(
    connection: AsyncConnection, window: DayWindow
) -> tuple[list[BuiltDay], date | None]:
    """The built days of `window`, in order, and the last day that is built at all."""
    bounds = {"first": window.first, "last": window.last}
    found = await tuples(connection, BUILT_DAYS, bounds, prepare=True)
    return [BuiltDay(*day) for _, *day in found if day[0]], found[0][0]


async def unclassified_values(
    connection: AsyncConnection, scope: Scope, days: DayWindow
) -> tuple[list[str], list[str]]:
    """Distinct user agents and referring domains of `days` that no run has classified yet."""
    [found] = await tuples(connection, scope.compose(UNCLASSIFIED), scope.over(days))
    return found
