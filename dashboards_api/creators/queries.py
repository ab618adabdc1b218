"""The SQL that only a creator's dashboard needs."""

from collections.abc import Sequence

from psycopg import AsyncConnection

from dashboards_api.database import tuples
from dashboards_api.metrics.scopes import Scope
from dashboards_api.portfolios.queries import Breakdown

TITLES = """
select ip_asset_id, title
from rules.assets
where ip_asset_id = any(%(assets)s) and title is not null
"""

ASSET, CHANNEL = "ip_asset_id", "channel"


def portfolio(assets: Sequence[str]) -> Breakdown:
    """These assets: together, each by itself, and by channel. Every event has one channel, so the
    roll-up of assets by channel has everything of an asset."""
    return Breakdown(
        table="intermediate.int_traffic_days",
        visitors="visitors",
        scope=Scope(
            built="grain = 'asset_channel' and ip_asset_id = any(%(assets)s)",
            live="ip_asset_id = any(%(assets)s)",
            parameters={"assets": list(assets)},
            is_one=False,
        ),
        keys=(ASSET, CHANNEL),
        sets=((ASSET,), (CHANNEL,)),
    )


async def titles(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, str]:
    """The titles of those assets whose upload gave one."""
    return dict(await tuples(connection, TITLES, {"assets": list(assets)}))
