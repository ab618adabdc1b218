"""The SQL that only a creator's dashboard needs."""

from collections.abc import Sequence

from psycopg import AsyncConnection

from dashboards_api.database import tuples

TITLES = """
select ip_asset_id, title
from rules.assets
where ip_asset_id = any(%(assets)s) and title is not null
"""


async def titles(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, str]:
    """The titles of those assets whose upload gave one."""
    return dict(await tuples(connection, TITLES, {"assets": list(assets)}))
