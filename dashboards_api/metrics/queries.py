"""The SQL behind every metrics answer.

Built days are rows of `intermediate.int_entity_days`, which has a day's sums and visitors from one
build; a day is built when `marts.daily_builds` has its receipt. Everything else is counted from
`intermediate.int_events`, the view that the marts are built from, so a live number and a built one
follow the same definitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import AsyncConnection

from dashboards_api.database import rows, tuples
from dashboards_api.metrics.scopes import Scope, built_part, in_windows
from eventmill.core.days import DayWindow

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
RECEIPTS = """
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

BUILT_THROUGH = "select max(date) from marts.daily_builds"

# Of several entities the visitors of a day cannot be added up: `visitors.py` unites them. No index
# serves the last condition: the range of days then is one stretch of the index for each entity.
BUILT_DAYS = """
select
    date,
    least(sum(views), 9223372036854775807)::bigint as views,
    least(sum(clicks), 9223372036854775807)::bigint as clicks,
    least(sum(conversions), 9223372036854775807)::bigint as conversions,
    least(sum(revenue_cents), 9223372036854775807)::bigint as revenue_cents,
    least(sum(engagement_time), 9223372036854775807)::bigint as engagement_time,
    sum(unique_visitors)::bigint as unique_visitors
from intermediate.int_entity_days
where {built} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
group by date
"""

# One entity has one row a day, so its sets come along.
BUILT_DAYS_WITH_SETS = """
select
    date,
    views,
    clicks,
    conversions,
    revenue_cents,
    engagement_time,
    unique_visitors,
    visitors
from intermediate.int_entity_days
where {built} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
"""

BUILT_BITMAPS = """
select date, bits
from intermediate.int_platform_visitors
where date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """A day is built: when, and by which definitions."""

    date: date
    built_at: datetime
    definition: str


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of one UTC day. `unclassified` events have a user agent never seen before.

    `visitors` is the day's set where it was read along with the numbers.
    """

    date: date
    views: int
    clicks: int
    conversions: int
    revenue_cents: int
    unique_visitors: int
    engagement_time: int
    unclassified: int = 0
    visitors: bytes | None = None


async def moment(connection: AsyncConnection) -> Moment:
    [found] = await rows(connection, Moment, MOMENT)
    return found


async def built_through(connection: AsyncConnection) -> date | None:
    [(last,)] = await tuples(connection, BUILT_THROUGH)
    return last  # type: ignore[no-any-return]


async def receipts(
    connection: AsyncConnection, days: DayWindow
) -> tuple[list[Receipt], date | None]:
    """The built days of a window, in order, and the last day that is built at all."""
    found = await tuples(
        connection, RECEIPTS, {"first": days.first, "last": days.last}, prepare=True
    )
    return [Receipt(*receipt) for _, *receipt in found if receipt[0]], found[0][0]


async def built_days(
    connection: AsyncConnection,
    scope: Scope,
    window: DayWindow,
    live: Sequence[DayWindow],
    *,
    is_entity: bool = False,
    with_sets: bool = False,
) -> list[Day]:
    """The built numbers of `window` without its `live` parts; a day without events has no row.

    `is_entity`: the scope is of one entity, not the platform; then `with_sets` may be asked for.
    """
    query = BUILT_DAYS_WITH_SETS if with_sets else BUILT_DAYS
    parameters = scope.parameters | built_part(window, live)
    # Prepared only for one entity: there a plan serves any days alike. One made for any days of
    # many entities takes the wrong index (220 ms instead of 8 for the platform's 90 days).
    return await rows(
        connection, Day, scope.compose(query), parameters, prepare=is_entity, binary=with_sets
    )


async def built_bitmaps(
    connection: AsyncConnection, window: DayWindow, live: Sequence[DayWindow]
) -> list[tuple[Any, ...]]:
    """The days of `window` without its `live` parts, each with the platform's visitors."""
    parameters = built_part(window, live)
    return await tuples(connection, BUILT_BITMAPS, parameters, prepare=True, binary=True)


async def live_days(
    connection: AsyncConnection, scope: Scope, live: Sequence[DayWindow]
) -> list[Day]:
    """The same of `live`, from events."""
    windows, bounds = in_windows(live)
    query = scope.compose(LIVE_DAYS, windows=windows)
    return await rows(connection, Day, query, scope.parameters | bounds)


async def unclassified_values(
    connection: AsyncConnection, scope: Scope, days: DayWindow
) -> tuple[list[str], list[str]]:
    """Distinct user agents and referring domains of `days` that no run has classified yet."""
    [found] = await tuples(connection, scope.compose(UNCLASSIFIED), scope.over(days))
    return found
