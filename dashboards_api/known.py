"""Whether any event names a thing. For an admin, a thing exists if one does.

The few lifecycle events are searched first, then the built days, which outlive the raw events, and
only then every partition of `raw.events` (8 to 19 ms for 731 partitions).
"""

from typing import Literal, LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import tuples

LIFECYCLE: dict[str, LiteralString] = {
    "asset": "select true from raw.lifecycle_events where ip_asset_id = %(id)s limit 1",
    "project": "select true from raw.lifecycle_events where project_id = %(id)s limit 1",
    "license": "select true from raw.lifecycle_events where license_id = %(id)s limit 1",
    "brand": "select true from raw.lifecycle_events where brand_id = %(id)s limit 1",
    "creator": "select true from raw.lifecycle_events where uploader = %(id)s limit 1",
}
BUILT: dict[str, LiteralString] = {
    "asset": """
        select true from intermediate.int_entity_days
        where ip_asset_id = %(id)s and project_id is null and license_id is null
        limit 1
    """,
    "project": """
        select true from intermediate.int_entity_days
        where ip_asset_id is null and project_id = %(id)s and license_id is null
        limit 1
    """,
    "license": """
        select true from intermediate.int_entity_days
        where ip_asset_id is null and project_id is null and license_id = %(id)s
        limit 1
    """,
}
# A creator who is known without an upload of their own: a scan, and rare.
EVENTS: dict[str, LiteralString] = {
    "asset": "select true from raw.events where ip_asset_id = %(id)s limit 1",
    "project": "select true from raw.events where project_id = %(id)s limit 1",
    "license": "select true from raw.events where license_id = %(id)s limit 1",
    "creator": "select true from rules.creators where creator_id = %(id)s limit 1",
}
HAS_BUILDS = "select to_regclass('intermediate.int_entity_days') is not null"


async def is_known(
    connection: AsyncConnection,
    thing: Literal["asset", "project", "license", "creator", "brand"],
    identifier: str,
) -> bool:
    """Whether an event names it."""
    if await _any(connection, LIFECYCLE[thing], identifier):
        return True
    if thing in BUILT:
        [(has_builds,)] = await tuples(connection, HAS_BUILDS)
        if has_builds and await _any(connection, BUILT[thing], identifier):
            return True
    return thing in EVENTS and await _any(connection, EVENTS[thing], identifier)


async def _any(connection: AsyncConnection, query: LiteralString, identifier: str) -> bool:
    return bool(await tuples(connection, query, {"id": identifier}, prepare=True))
