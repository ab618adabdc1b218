"""What an asset's metrics are made of."""

from psycopg import AsyncConnection

from dashboards_api.assets.schemas import AssetMetrics, ChannelMetrics
from dashboards_api.database import Pool
from dashboards_api.metrics.breakdowns import of_assets
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.service import Counted, compare, count
from dashboards_api.ranges import MetricsRange


async def asset_metrics(pool: Pool, asset_id: str, asked: MetricsRange) -> AssetMetrics:
    """The asset's metrics over `asked`, for whoever may see them."""
    breakdown = of_assets([asset_id], ("channel",))

    async def read(connection: AsyncConnection) -> Read[AssetMetrics]:
        now = await moment(connection)
        counted = await count(connection, breakdown, asked.days, now, asked.interval)
        answer = AssetMetrics(
            asset_id=asset_id,
            totals=counted.totals(),
            channels=channels(counted),
            **counted.common(asked),
        )
        before = await compare(connection, answer, breakdown, asked, now)
        return Read(answer, breakdown.scope, [*counted.unclassified_windows, *before])

    return await read_classified(pool, read)


def channels(counted: Counted) -> list[ChannelMetrics]:
    """The most viewed first."""
    found = [
        ChannelMetrics(channel=channel, **tally.numbers)
        for (channel,), tally in counted.by("channel").items()
    ]
    return sorted(found, key=lambda one: (-one.views, -one.unique_visitors, one.channel))
