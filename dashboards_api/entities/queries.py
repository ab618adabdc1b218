"""The SQL of an entity's events: newest first, in few days at a time.

One query over all of `raw.events` would plan every partition. Instead the days that can hold events
of the entity are listed first, and read from the newest backwards until the page is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection, sql

from dashboards_api.database import rows, tuples
from dashboards_api.entities.cursors import Cursor
from dashboards_api.metrics.scopes import in_windows
from eventmill.days import DayWindow

EntityType = Literal["project", "ip_asset", "license"]

HAS_BUILDS = """
select
    to_regclass('marts.daily_builds') is not null
    and to_regclass('intermediate.int_entity_days') is not null
"""

# Partitions are named by their day (raw.ensure_partition).
PARTITIONS = """
select to_date(right(children.relname, 8), 'YYYYMMDD') as day
from pg_inherits
inner join pg_class as children on pg_inherits.inhrelid = children.oid
where
    pg_inherits.inhparent = 'raw.events'::regclass
    and right(children.relname, 8) between to_char(%(first)s::date, 'YYYYMMDD')
    and to_char(%(last)s::date, 'YYYYMMDD')
"""

# A built day holds events of the entity if it has a row of it, bots included; or if events came
# since, which raw.touched_days knows until the day is built again. A day that was built before
# there were such rows has none of the platform either, and counts as not built.
DAYS = """
with partitions as (
    {partitions}
),

entity_days as (
    select date
    from intermediate.int_entity_days
    where {entity} and date between %(first)s and %(last)s
),

built_days as (
    select date
    from intermediate.int_entity_days
    where
        ip_asset_id is null and project_id is null and license_id is null
        and date between %(first)s and %(last)s
    intersect
    select date
    from marts.daily_builds
    where date between %(first)s and %(last)s
)

select day
from partitions
where
    day in (select date from entity_days)
    or day not in (select date from built_days)
    or day in (select touched_days.day from raw.touched_days)
order by day desc
"""

ALL_DAYS = """
with partitions as (
    {partitions}
)

select day
from partitions
order by day desc
"""

EVENTS = """
select
    event_id, occurred_at, received_at, sent_at, source, event_type, actor_type, actor_id,
    anonymous_id, visitor_id, session_id, project_id, ip_asset_id, license_id, user_id, brand_id,
    creator_id, props_json as props, page_url, landing_page, referrer, user_agent, utm_source,
    utm_medium, utm_campaign, utm_term, utm_content, click_id, country, created_at
from raw.events
where {column} = %(entity_id)s and ({windows}) {conditions}
order by occurred_at desc, event_id desc
limit %(limit)s
"""

COLUMNS: dict[EntityType, sql.Identifier] = {
    "project": sql.Identifier("project_id"),
    "ip_asset": sql.Identifier("ip_asset_id"),
    "license": sql.Identifier("license_id"),
}


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A row of raw.events."""

    event_id: UUID
    occurred_at: datetime
    received_at: datetime
    sent_at: datetime | None
    source: str
    event_type: str
    actor_type: str | None
    actor_id: str | None
    anonymous_id: str | None
    visitor_id: str
    session_id: str | None
    project_id: str | None
    ip_asset_id: str | None
    license_id: str | None
    user_id: str | None
    brand_id: str | None
    creator_id: str | None
    props: dict[str, Any]
    page_url: str | None
    landing_page: str | None
    referrer: str | None
    user_agent: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    click_id: str | None
    country: str | None
    created_at: datetime


async def days_with_events(
    connection: AsyncConnection, entity: EntityType, entity_id: str, first: date, last: date
) -> list[date]:
    """The days that can hold events of the entity, the newest first."""
    [(has_builds,)] = await tuples(connection, HAS_BUILDS)
    query = sql.SQL(DAYS if has_builds else ALL_DAYS).format(
        partitions=sql.SQL(PARTITIONS),
        entity=sql.SQL(" and ").join(
            sql.SQL("{} = %(entity_id)s" if name == entity else "{} is null").format(column)
            for name, column in COLUMNS.items()
        ),
    )
    parameters = {"entity_id": entity_id, "first": first, "last": last}
    return [day for (day,) in await tuples(connection, query, parameters)]


async def events_of_days(
    connection: AsyncConnection,
    entity: EntityType,
    entity_id: str,
    days: Sequence[DayWindow],
    *,
    event_type: str | None,
    before: Cursor | None,
    limit: int,
) -> list[RawEvent]:
    """At most `limit` events of these days, the newest first, of those that come `before`."""
    windows, parameters = in_windows(days)
    parameters |= {"entity_id": entity_id, "limit": limit}
    conditions = []
    if event_type is not None:
        conditions.append(sql.SQL("and event_type = %(event_type)s"))
        parameters["event_type"] = event_type
    if before is not None:
        conditions.append(sql.SQL("and (occurred_at, event_id) < (%(at)s, %(event_id)s)"))
        parameters |= {"at": before.occurred_at, "event_id": before.event_id}
    query = sql.SQL(EVENTS).format(
        column=COLUMNS[entity], windows=windows, conditions=sql.SQL(" ").join(conditions)
    )
    return await rows(connection, RawEvent, query, parameters)
