"""Which licenses hold on any day of a range, by the view `rules.license_periods`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import rows, tuples
from eventmill.core.days import DayWindow

# Materialized, or the licenses would be worked out for each of the ranges.
HOLDING: LiteralString = """
with periods as (
    select * from unnest(%(firsts)s::date[], %(lasts)s::date[]) with ordinality
        as periods (first_day, last_day, period)
),

licensed as materialized (
    select license_id, ip_asset_id, days
    from rules.license_periods
    where license_id is not null and {whose}
),

holding as (
    select distinct periods.period, licensed.license_id, licensed.ip_asset_id
    from licensed
    inner join periods
        on licensed.days && daterange(periods.first_day, periods.last_day, '[]')
)
"""

COUNT: LiteralString = "select count(distinct license_id) from holding"
# A license may hold before its creation was noted, so those that hold are known too.
COUNTS: LiteralString = """,

known as (
    select
        license_id,
        min(occurred_at) as first_at,
        min(occurred_at) filter (where event_type = 'license_created') as created_at
    from raw.lifecycle_events
    where event_type like 'license%%' and license_id is not null
    group by license_id
)

select
    count(holding.license_id)::bigint as active,
    count(*) filter (
        where
            (known.created_at at time zone 'UTC')::date
            between periods.first_day and periods.last_day
    )::bigint as new,
    count(*) filter (
        where
            (known.first_at at time zone 'UTC')::date <= periods.last_day
            or holding.license_id is not null
    )::bigint as total
from periods
left join known on true
left join (select distinct period, license_id from holding) as holding
    on periods.period = holding.period and known.license_id = holding.license_id
group by periods.period
order by periods.period
"""
LISTED: LiteralString = """
select
    license_id,
    ip_asset_id,
    (
        select licenses.project_id
        from rules.licenses
        where licenses.license_id = holding.license_id
    ) as project_id
from holding
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A license that holds, on this asset, and the project it was made for."""

    license_id: str
    ip_asset_id: str
    project_id: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Of all licenses: how many hold on any of the days, were created in them, and are known by
    their end."""

    active: int
    new: int
    total: int


async def count_licenses(connection: AsyncConnection, periods: Sequence[DayWindow]) -> list[Counts]:
    """The platform's licenses over each of `periods`."""
    return await rows(connection, Counts, HOLDING.format(whose="true") + COUNTS, _bounds(periods))


async def active_licenses_on(
    connection: AsyncConnection, assets: Sequence[str], days: DayWindow
) -> int:
    """How many licenses on these assets hold on any of `days`."""
    query = HOLDING.format(whose="ip_asset_id = any(%(assets)s)") + COUNT
    parameters = {"assets": list(assets), **_bounds([days])}
    [(found,)] = await tuples(connection, query, parameters)
    return int(found)


async def licenses_held_by(
    connection: AsyncConnection, brand_id: str, days: DayWindow
) -> list[Holding]:
    """The licenses of a brand that hold on any of `days`."""
    query = HOLDING.format(whose="brand_id = %(brand_id)s") + LISTED
    parameters = {"brand_id": brand_id, **_bounds([days])}
    return await rows(connection, Holding, query, parameters)


def _bounds(periods: Sequence[DayWindow]) -> dict[str, list[date]]:
    return {"firsts": [days.first for days in periods], "lasts": [days.last for days in periods]}
