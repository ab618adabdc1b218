"""Which licenses hold on any day of a range, by the rules of `authorization.py`, at once.

As there: what renews or ends a license may name nothing but the license, a term that cannot be read
grants nothing, an end without a license id ends every license of the brand and asset that it names,
and on the day of its end a license does not hold any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import rows
from dashboards_api.ownership import FACT_OF_LICENSE, ISO_DATE
from eventmill.core.days import DayWindow

HOLDING: LiteralString = """
with periods as (
    select * from unnest(%(firsts)s::date[], %(lasts)s::date[]) with ordinality
        as periods (first_day, last_day, period)
),

created as (
    select distinct license_id, ip_asset_id, brand_id
    from raw.lifecycle_events
    where
        event_type = 'license_created'
        and license_id is not null
        and ip_asset_id is not null
        and brand_id is not null
        and {whose}
),

events as (
    select event_type, license_id, ip_asset_id, brand_id, occurred_at, props_json
    from raw.lifecycle_events
    where
        event_type in ('license_created', 'license_renewed', 'license_expired')
        and ip_asset_id is not null
        and brand_id is not null
        and {whose}
    union all
    select
        events.event_type,
        events.license_id,
        created.ip_asset_id,
        created.brand_id,
        events.occurred_at,
        events.props_json
    from created
    inner join raw.lifecycle_events as events on created.license_id = events.license_id
    where events.event_type in ('license_renewed', 'license_expired')
),

-- Materialized, or each mention of a term would read it from its JSON again.
written as materialized (
    select
        license_id,
        ip_asset_id,
        brand_id,
        occurred_at,
        props_json ->> 'starts_on' as starts_text,
        props_json ->> 'ends_on' as ends_text
    from events
    where event_type <> 'license_expired' and license_id is not null
),

terms as materialized (
    select
        license_id,
        ip_asset_id,
        brand_id,
        occurred_at,
        case when starts_text is null then '-infinity'::date else {starts_on} end as first_day,
        case when ends_text is null then 'infinity'::date else {ends_on} end as last_day
    from written
),

ends as (
    select
        license_id,
        ip_asset_id,
        brand_id,
        occurred_at,
        (occurred_at at time zone 'UTC')::date as day
    from events
    where event_type = 'license_expired'
),

holding as (
    select distinct periods.period, terms.license_id, terms.ip_asset_id
    from terms
    inner join periods
        on
            terms.first_day <= periods.last_day
            and terms.last_day >= greatest(terms.first_day, periods.first_day)
    where
        not exists (
            select from ends
            where
                ends.license_id = terms.license_id
                and ends.ip_asset_id = terms.ip_asset_id
                and ends.brand_id = terms.brand_id
                and ends.occurred_at >= terms.occurred_at
                and ends.day <= greatest(terms.first_day, periods.first_day)
        )
        and not exists (
            select from ends
            where
                ends.license_id is null
                and ends.ip_asset_id = terms.ip_asset_id
                and ends.brand_id = terms.brand_id
                and ends.occurred_at >= terms.occurred_at
                and ends.day <= greatest(terms.first_day, periods.first_day)
        )
)
"""

COUNT: LiteralString = """
select count(distinct license_id)::bigint as licenses from holding
"""
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
LISTED: LiteralString = (
    """
select license_id, ip_asset_id, ("""
    + FACT_OF_LICENSE.format(column="project_id", license_id="holding.license_id")
    + """) as project_id
from holding
"""
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A license that holds, on this asset, and the project it was made for."""

    license_id: str
    ip_asset_id: str
    project_id: str | None


@dataclass(frozen=True, slots=True)
class Count:
    licenses: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Of all licenses: how many hold on any of the days, were created in them, and are known by
    their end."""

    active: int
    new: int
    total: int


async def count_licenses(connection: AsyncConnection, periods: Sequence[DayWindow]) -> list[Counts]:
    """The platform's licenses over each of `periods`."""
    return await rows(connection, Counts, _holding("true") + COUNTS, _bounds(periods))


async def active_licenses_on(
    connection: AsyncConnection, assets: Sequence[str], days: DayWindow
) -> int:
    """How many licenses on these assets hold on any of `days`."""
    query = _holding("ip_asset_id = any(%(assets)s)") + COUNT
    parameters = {"assets": list(assets), **_bounds([days])}
    [found] = await rows(connection, Count, query, parameters)
    return found.licenses


async def licenses_held_by(
    connection: AsyncConnection, brand_id: str, days: DayWindow
) -> list[Holding]:
    """The licenses of a brand that hold on any of `days`."""
    query = _holding("brand_id = %(brand_id)s") + LISTED
    parameters = {"brand_id": brand_id, **_bounds([days])}
    return await rows(connection, Holding, query, parameters)


def _bounds(periods: Sequence[DayWindow]) -> dict[str, list[date]]:
    return {"firsts": [days.first for days in periods], "lasts": [days.last for days in periods]}


def _holding(whose: LiteralString) -> LiteralString:
    return HOLDING.format(
        whose=whose,
        starts_on=ISO_DATE.format(text="starts_text"),
        ends_on=ISO_DATE.format(text="ends_text"),
    )
