"""What an asset's metrics are made of."""

from psycopg import AsyncConnection

from dashboards_api.assets.schemas import AssetMetrics, ChannelMetrics
from dashboards_api.authorization import licenses_of_brand, projects_of_brand
from dashboards_api.database import Pool
from dashboards_api.metrics.breakdowns import of_assets, of_own
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import own_scope
from dashboards_api.metrics.service import Counted, compare, count
from dashboards_api.ranges import MetricsRange


async def asset_metrics(
    pool: Pool, asset_id: str, asked: MetricsRange, brand_id: str | None = None
) -> AssetMetrics:
    """The asset's metrics over `asked`, for whoever may see them; `brand_id`: as this brand sees
    them, which licenses the asset."""
    channel = ("channel",)
    breakdown = of_assets([asset_id], *([] if brand_id else [channel]))

    async def read(connection: AsyncConnection) -> Read[AssetMetrics]:
        now = await moment(connection)
        own = None
        if brand_id:
            projects = await projects_of_brand(connection, brand_id)
            licenses = await licenses_of_brand(connection, brand_id)
            own = of_own(own_scope(asset_id, projects, licenses), channel)
        counted = await count(connection, breakdown, asked.days, now, asked.interval, own)
        answer = AssetMetrics(
            asset_id=asset_id,
            totals=counted.totals(),
            channels=channels(counted),
            **counted.common(asked),
        )
        before = await compare(connection, answer, breakdown, asked, now, own)
        return Read(answer, breakdown.scope, [*counted.unclassified_windows, *before])

    return await read_classified(pool, read)


def channels(counted: Counted) -> list[ChannelMetrics]:
    """The most viewed first."""
    found = [
        ChannelMetrics(channel=channel, **tally.numbers)
        for (channel,), tally in counted.by("channel").items()
    ]
    return sorted(found, key=lambda one: (-one.views, -one.unique_visitors, one.channel))
