"""What an asset's metrics are made of."""

from dataclasses import replace

from psycopg import AsyncConnection

from dashboards_api.assets.schemas import AssetMetrics, ChannelMetrics
from dashboards_api.database import Pool
from dashboards_api.metrics import service as metrics
from dashboards_api.metrics.channels import Channel, channels
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import asset_scope
from dashboards_api.metrics.sets import NumberSet
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import utc_today


async def asset_metrics(pool: Pool, asset_id: str, asked: MetricsRange) -> AssetMetrics:
    """The asset's metrics over `asked`, for whoever may see them."""
    scope = asset_scope(asset_id)
    today = utc_today()

    async def read(connection: AsyncConnection) -> Read[AssetMetrics]:
        now = await moment(connection)
        counted = await metrics.count(
            connection, scope, asked.days, today, now, asked.interval, with_total=False
        )
        found = await channels(connection, scope, asked.days, counted.live)
        if counted.receipts:  # every event has a channel
            total = len(NumberSet.of(channel.visitors for channel in found))
            counted = replace(counted, visitors=replace(counted.visitors, total=total))
        answer = AssetMetrics(
            asset_id=asset_id,
            range=metrics.answered_range(asked),
            totals=metrics.totals(counted),
            series=metrics.series(asked, counted),
            channels=[_shown(channel) for channel in found],
            meta=await metrics.meta(connection, counted, now),
        )
        is_new = any(channel.unclassified for channel in found)
        unclassified = list(counted.live) if is_new else []
        if asked.compare:
            before = await metrics.count(connection, scope, asked.previous(), today, now)
            answer.previous = metrics.previous(before)
            unclassified += before.unclassified_windows
        return Read(answer, scope, unclassified)

    return await read_classified(pool, read)


def _shown(channel: Channel) -> ChannelMetrics:
    return ChannelMetrics(
        channel=channel.channel,
        views=channel.views,
        clicks=channel.clicks,
        conversions=channel.conversions,
        revenue_cents=channel.revenue_cents,
        unique_visitors=channel.unique_visitors,
        engagement_time=channel.engagement_time,
    )
