"""The SQL of an entity's events: newest first, in few days at a time.

One query over all of `raw.events` would plan every partition. Instead the days that can hold events
of the entity are listed first, and read from the newest backwards until the page is full.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from dashboards_api.database import conjunction, fill, tuples
from dashboards_api.entities.cursors import Cursor
from eventmill.core import registry
from eventmill.core.days import DayWindow
from eventmill.core.partitions import PARTITION_DAYS

EntityType = Literal["project", "ip_asset", "license"]

HAS_BUILDS = """
select
    to_regclass('marts.daily_builds') is not null
    and to_regclass('intermediate.int_entity_days') is not null
"""

DAYS = """
with partitions as materialized (
    {partitions}
)

select day
from partitions
where
    {of_type}
    and day between %(first)s and %(last)s
    and {with_events}
order by day desc
"""

# A built day holds events of the entity if it has a row of it, bots included; or if events came
# since, which raw.touched_days knows until the day is built again. A day that was built before
# there were such rows has none of the platform either, and counts as not built.
WITH_EVENTS = """
    (
        day in (
            select date
            from intermediate.int_entity_days
            where {entity} and date between %(first)s and %(last)s
        )
        or day not in (
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
        or day in (select touched_days.day from raw.touched_days)
    )
"""

LIFECYCLE_TYPES = "select unnest(rules.lifecycle_types())"
# Where the events that raw.lifecycle_events has happened is known to the day.
OF_TYPE = """
    (
        (%(event_type)s = any(rules.lifecycle_types())) is not true
        or day in (
            select (occurred_at at time zone 'UTC')::date
            from raw.lifecycle_events
            where {} = %(entity_id)s and event_type = %(event_type)s
        )
    )
"""

# Each window is a query of its own, whose bounds are constants of the plan. With one condition of
# all windows every partition is checked against each: 36 ms of CPU, not 15, for 64 days in 42.
EVENTS = """
select *
from ({windows}) as windows
order by occurred_at desc, event_id desc
limit %(limit)s
"""

EVENTS_OF_WINDOW = """
(
    select {}
    from raw.events
    where
        {} = %(entity_id)s and occurred_at >= {} and occurred_at < {} {}
    order by occurred_at desc, event_id desc
    limit %(limit)s
)
"""

# A brand sees nothing of another brand's business, not even that there was some.
OF_NO_OTHER_BRAND = """
and (brand_id is null or brand_id = %(own_brand)s)
and (project_id is null or project_id = any(%(own_projects)s))
and (license_id is null or license_id = any(%(own_licenses)s))
"""

ALL_COLUMNS = fill("{}", registry.COLUMNS)
COLUMNS: dict[EntityType, str] = {
    "project": "project_id",
    "ip_asset": "ip_asset_id",
    "license": "license_id",
}

Event = dict[str, Any]
"""A row of raw.events."""


@dataclass(frozen=True, slots=True)
class OwnThings:
    """A brand, its projects and its licenses."""

    brand: str
    projects: list[str]
    licenses: list[str]

    def has(self, event: Event) -> bool:
        """Whether the event, which is no other brand's, is this brand's."""
        return (
            event["brand_id"] == self.brand
            or event["project_id"] in self.projects
            or event["license_id"] in self.licenses
        )


async def days_with_events(
    connection: AsyncConnection,
    entity: EntityType,
    entity_id: str,
    first: date,
    last: date,
    event_type: str | None = None,
) -> list[date]:
    """The days that can hold events of the entity and type, the newest first."""
    [(has_builds,)] = await tuples(connection, HAS_BUILDS)
    of_entity = conjunction(
        fill("{} = %(entity_id)s" if name == entity else "{} is null", column)
        for name, column in COLUMNS.items()
    )
    query = sql.SQL(DAYS).format(
        partitions=sql.SQL(PARTITION_DAYS),
        of_type=fill(OF_TYPE, COLUMNS[entity]),
        with_events=sql.SQL(WITH_EVENTS if has_builds else "true").format(entity=of_entity),
    )
    parameters = {"entity_id": entity_id, "first": first, "last": last, "event_type": event_type}
    return [day for (day,) in await tuples(connection, query, parameters)]


async def lifecycle_types(connection: AsyncConnection) -> frozenset[str]:
    """The event types that say whose the marketplace's things are."""
    return frozenset(name for (name,) in await tuples(connection, LIFECYCLE_TYPES))


async def events_of_days(
    connection: AsyncConnection,
    entity: EntityType,
    entity_id: str,
    days: Sequence[DayWindow],
    *,
    event_type: str | None,
    before: Cursor | None,
    own: OwnThings | None,
    limit: int,
) -> list[Event]:
    """At most `limit` events of these days, the newest first, of those that come `before`; with
    `own`, of those that are no other brand's."""
    parameters: dict[str, Any] = {"entity_id": entity_id, "limit": limit}
    more = []
    if event_type is not None:
        more.append(sql.SQL("and event_type = %(event_type)s"))
        parameters["event_type"] = event_type
    if before is not None:
        more.append(sql.SQL("and (occurred_at, event_id) < (%(at)s, %(event_id)s)"))
        parameters |= {"at": before.occurred_at, "event_id": before.event_id}
    if own is not None:
        more.append(sql.SQL(OF_NO_OTHER_BRAND))
        parameters |= {f"own_{name}": value for name, value in asdict(own).items()}
    windows = []
    for number, window in enumerate(days):
        start, end = f"start_{number}", f"end_{number}"
        parameters |= {start: window.start, end: window.end}
        bounds = (sql.Placeholder(start), sql.Placeholder(end))
        conditions = sql.SQL(" ").join(more)
        windows.append(fill(EVENTS_OF_WINDOW, ALL_COLUMNS, COLUMNS[entity], *bounds, conditions))
    query = sql.SQL(EVENTS).format(windows=sql.SQL("union all").join(windows))
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()
