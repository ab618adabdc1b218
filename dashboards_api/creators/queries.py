"""The SQL that only a creator's dashboard needs."""

from collections.abc import Sequence

from psycopg import AsyncConnection

from dashboards_api.database import tuples

# The title of the first upload to arrive that has one, as in dim_assets.
TITLES = """
select distinct on (ip_asset_id)
    ip_asset_id,
    coalesce(props_json ->> 'title', props_json ->> 'name') as title
from raw.lifecycle_events
where
    ip_asset_id = any(%(assets)s)
    and event_type = 'asset_uploaded'
    and coalesce(props_json ->> 'title', props_json ->> 'name') is not null
order by ip_asset_id, received_at, event_id
"""


async def titles(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, str]:
    """The titles of those assets whose upload gave one."""
    return dict(await tuples(connection, TITLES, {"assets": list(assets)}))
