"""What a creator's dashboard is made of."""

from psycopg import AsyncConnection

from dashboards_api.assets.schemas import ChannelMetrics
from dashboards_api.authorization import assets_of_creator
from dashboards_api.creators import queries
from dashboards_api.creators.schemas import AssetSummary, CreatorDashboard, PortfolioSize
from dashboards_api.database import Pool
from dashboards_api.licenses import active_licenses_on
from dashboards_api.metrics import service as metrics
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.schemas import Metrics
from dashboards_api.metrics.scopes import assets_scope
from dashboards_api.portfolios.money import other_revenue
from dashboards_api.portfolios.service import Groups, count, count_together
from dashboards_api.portfolios.tally import Tally
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import DayWindow, utc_today


async def creator_dashboard(
    pool: Pool, creator_id: str, asked: MetricsRange, limit: int
) -> CreatorDashboard:
    """The creator's assets over `asked`, the `limit` most viewed of them by themselves."""
    today = utc_today()

    async def read(connection: AsyncConnection) -> Read[CreatorDashboard]:
        now = await moment(connection)
        assets = await assets_of_creator(connection, creator_id)
        scope = assets_scope(assets)
        breakdown = queries.portfolio(assets)
        found = await count(connection, breakdown, asked.days, today, now, asked.interval)
        counted = found.counted
        by_asset = found.by(queries.ASSET)
        top = top_assets(assets, by_asset, limit)
        titles = await queries.titles(connection, top)
        day = DayWindow(today, today)
        answer = CreatorDashboard(
            creator_id=creator_id,
            range=metrics.answered_range(asked),
            portfolio=PortfolioSize(
                assets=len(assets),
                active_licenses=await active_licenses_on(connection, assets, day),
            ),
            totals=metrics.totals(counted),
            other_revenue=await other_revenue(connection, scope, asked.days, counted.live),
            series=metrics.series(asked, counted),
            top_assets=[
                AssetSummary(asset_id=asset, title=titles.get(asset), **_numbers(by_asset, asset))
                for asset in top
            ],
            channels=channels(found.by(queries.CHANNEL)),
            meta=await metrics.meta(connection, counted, now),
        )
        unclassified = found.unclassified_windows
        if asked.compare:
            before = await count_together(connection, breakdown, asked.previous(), today, now)
            answer.previous = metrics.previous(before)
            unclassified += before.unclassified_windows
        return Read(answer, scope, unclassified)

    return await read_classified(pool, read)


def top_assets(assets: list[str], by_asset: Groups, limit: int) -> list[str]:
    """The `limit` most viewed of `assets`, those without events last."""

    def rank(asset: str) -> tuple[int, int, str]:
        tally = by_asset.get((asset,), Tally())
        return (-tally.views, -tally.revenue_cents, asset)

    return sorted(assets, key=rank)[:limit]


def channels(by_channel: Groups) -> list[ChannelMetrics]:
    """The most viewed first, as an asset's."""
    found = [
        ChannelMetrics(channel=channel, **tally.metrics().model_dump())
        for (channel,), tally in by_channel.items()
    ]
    return sorted(found, key=lambda one: (-one.views, -one.unique_visitors, one.channel))


def _numbers(by_asset: Groups, asset: str) -> dict[str, int]:
    numbers: Metrics = by_asset.get((asset,), Tally()).metrics()
    return numbers.model_dump()
