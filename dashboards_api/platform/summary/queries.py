"""The SQL of the platform's summary: sets by day, from built days and from live ones.

People are numbers of `marts.visitors`, packed as in `int_entity_days`; assets are the first eight
bytes of their id's SHA-256, packed likewise (`int_platform_days`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from psycopg import AsyncConnection, sql

from dashboards_api.database import tuples
from dashboards_api.metrics.numbering import numbered
from dashboards_api.metrics.scopes import built_part, in_windows
from eventmill.core.days import DayWindow
from eventmill.core.partitions import PARTITION_DAYS

IS_BUILT = "select to_regclass('intermediate.int_platform_days') is not null"
# A day that was built before there were these sets is live.
WITH_SETS = (
    "select date from intermediate.int_platform_days where date between %(first)s and %(last)s"
)

BUILT = """
select date, brands, assets
from intermediate.int_platform_days
where date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
"""

BUILT_REVENUE = """
select date, revenue_cents
from intermediate.int_entity_days
where
    ip_asset_id is null and project_id is null and license_id is null
    and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
"""

BUILT_ACTORS = """
select date, actor_type, visitors
from intermediate.int_traffic_days
where
    grain = 'actor_type' and ip_asset_id is null
    and actor_type in ('user', 'creator')
    and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
"""

# Of all time: who signed up long ago is there today.
BUILT_SIGN_UPS = """
select date, sign_ups
from intermediate.int_platform_days
where date <= %(last)s and date <> all(%(unbuilt)s) and sign_ups <> ''
"""

LIVE = """
with traffic as (
    select
        (occurred_at at time zone 'UTC')::date as date,
        ip_asset_id,
        sum(revenue_cents) as revenue_cents,
        count(*) filter (where not is_classified) as unclassified
    from intermediate.int_traffic
    where {windows}
    group by 1, 2
)

select
    date,
    sum(revenue_cents)::bigint,
    sum(unclassified)::bigint,
    string_agg(substr(sha256(convert_to(ip_asset_id, 'UTF8')), 1, 8), ''::bytea)
from traffic
group by date
"""

LIVE_BRANDS = """
select
    (occurred_at at time zone 'UTC')::date as date,
    array_agg(distinct coalesce(brand_id, actor_id))
from intermediate.int_events
where ({windows}) and actor_type = 'brand' and is_counted
group by 1
"""

# Live people and everybody who ever uploaded, under the same numbers.
PEOPLE = """
with live as (
    select
        (occurred_at at time zone 'UTC')::date as date,
        visitor_id,
        bool_or(actor_type = 'user') as is_user,
        bool_or(actor_type = 'creator') as is_creator,
        bool_or(event_type = 'user_signed_up') as is_sign_up
    from intermediate.int_events
    where
        ({windows})
        and (actor_type in ('user', 'creator') or event_type = 'user_signed_up')
        and is_counted
    group by 1, 2
),

seen as (
    select date, 'user' as kind, visitor_id from live where is_user
    union all
    select date, 'creator' as kind, visitor_id from live where is_creator
    union all
    select date, 'sign_up' as kind, visitor_id from live where is_sign_up
    union all
    select
        (min(occurred_at) at time zone 'UTC')::date as date,
        'uploader' as kind,
        uploader as visitor_id
    from raw.lifecycle_events
    where event_type = 'asset_uploaded' and uploader is not null
    group by uploader
),

numbered as materialized ({numbered})

select seen.date, seen.kind, string_agg(int4send(numbered.visitor_number), ''::bytea)
from seen
inner join numbered on seen.visitor_id = numbered.visitor_id
group by seen.date, seen.kind
"""

KNOWN_ASSETS = """
select date, string_agg(substr(sha256(convert_to(ip_asset_id, 'UTF8')), 1, 8), ''::bytea)
from (
    select ip_asset_id, (min(occurred_at) at time zone 'UTC')::date as date
    from raw.lifecycle_events
    where event_type = 'asset_uploaded' and ip_asset_id is not null
    group by ip_asset_id
) as uploads
where date <= %(last)s
group by date
"""

KNOWN_BRANDS = """
select date, array_agg(brand_id)
from (
    select brand_id, (min(occurred_at) at time zone 'UTC')::date as date
    from raw.lifecycle_events
    where brand_id is not null
    group by brand_id
) as brands
where date <= %(last)s
group by date
"""


@dataclass(slots=True)
class Days:
    """Sets by UTC day. Each is of the two periods, and of all time before where it says `known`."""

    users: dict[date, bytes] = field(default_factory=dict)
    creators: dict[date, bytes] = field(default_factory=dict)
    brands: dict[date, list[str]] = field(default_factory=dict)
    assets: dict[date, bytes] = field(default_factory=dict)
    known_users: dict[date, bytes] = field(default_factory=dict)
    known_creators: dict[date, bytes] = field(default_factory=dict)
    known_brands: dict[date, list[str]] = field(default_factory=dict)
    known_assets: dict[date, bytes] = field(default_factory=dict)
    revenue_cents: dict[date, int] = field(default_factory=dict)
    unclassified: int = 0


async def is_built(connection: AsyncConnection) -> bool:
    """Whether any day has such sets: their table comes with the first."""
    [(found,)] = await tuples(connection, IS_BUILT)
    return bool(found)


async def days_with_sets(connection: AsyncConnection, window: DayWindow) -> set[date]:
    """The days of `window` whose sets are built."""
    bounds = {"first": window.first, "last": window.last}
    return {day for (day,) in await tuples(connection, WITH_SETS, bounds)}


async def days_with_events(connection: AsyncConnection, last: date) -> list[date]:
    """The days up to `last` that may have events, in order."""
    found = await tuples(connection, PARTITION_DAYS)
    return sorted(day for day, _ in found if day <= last)


# Binary: sets as text would be twice as long.
_binary = partial(tuples, binary=True)


async def read_days(
    connection: AsyncConnection,
    window: DayWindow,
    live: Sequence[DayWindow],
    older: Sequence[DayWindow],
    has_builds: bool,
) -> Days:
    """The sets of `window`, of which `live` are not built, and of what is known by its end.

    `older` are unbuilt days before it: who signed up then is known too.
    """
    days = Days()
    if has_builds:
        await _read_built(connection, window, live, days)
        bounds = built_part(window, [*older, *live])
        days.known_users = dict(await _binary(connection, sql.SQL(BUILT_SIGN_UPS), bounds))
    if live:
        await _read_live(connection, live, days)
    await _read_people(connection, [*older, *live], has_builds, days)
    bounds = {"last": window.last}
    days.known_assets = dict(await _binary(connection, sql.SQL(KNOWN_ASSETS), bounds))
    days.known_brands = dict(await _binary(connection, sql.SQL(KNOWN_BRANDS), bounds))
    return days


async def _read_built(
    connection: AsyncConnection, window: DayWindow, live: Sequence[DayWindow], days: Days
) -> None:
    bounds = built_part(window, live)
    for day, brands, assets in await _binary(connection, sql.SQL(BUILT), bounds):
        days.brands[day], days.assets[day] = brands, assets
    days.revenue_cents = dict(await _binary(connection, sql.SQL(BUILT_REVENUE), bounds))
    actors = {"user": days.users, "creator": days.creators}
    for day, actor_type, visitors in await _binary(connection, sql.SQL(BUILT_ACTORS), bounds):
        actors[actor_type][day] = visitors


async def _read_live(connection: AsyncConnection, live: Sequence[DayWindow], days: Days) -> None:
    windows, bounds = in_windows(live)
    query = sql.SQL(LIVE).format(windows=windows)
    for day, revenue, unclassified, assets in await _binary(connection, query, bounds):
        days.revenue_cents[day] = revenue
        days.unclassified += unclassified
        days.assets[day] = assets or b""
    query = sql.SQL(LIVE_BRANDS).format(windows=windows)
    days.brands |= dict(await _binary(connection, query, bounds))


async def _read_people(
    connection: AsyncConnection, live: Sequence[DayWindow], has_builds: bool, days: Days
) -> None:
    windows, bounds = in_windows(live)
    people = sql.SQL(PEOPLE).format(
        windows=windows,
        numbered=numbered(sql.SQL("seen"), has_numbers=has_builds),
    )
    kinds = {
        "user": days.users,
        "creator": days.creators,
        "sign_up": days.known_users,
        "uploader": days.known_creators,
    }
    for day, kind, numbers in await _binary(connection, people, bounds):
        kinds[kind][day] = numbers
