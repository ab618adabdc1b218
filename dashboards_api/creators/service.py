"""What a creator's dashboard is made of."""

from psycopg import AsyncConnection

from dashboards_api.assets.service import channels
from dashboards_api.authorization import assets_of_creator
from dashboards_api.creators import queries
from dashboards_api.creators.schemas import AssetSummary, CreatorDashboard, PortfolioSize
from dashboards_api.database import Pool
from dashboards_api.licenses import active_licenses_on
from dashboards_api.metrics.breakdowns import of_assets
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.money import other_revenue
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.service import compare, count
from dashboards_api.metrics.tally import Tally, by_views
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import DayWindow


async def creator_dashboard(
    pool: Pool, creator_id: str, asked: MetricsRange, limit: int
) -> CreatorDashboard:
    """The creator's assets over `asked`, the `limit` most viewed of them by themselves."""

    async def read(connection: AsyncConnection) -> Read[CreatorDashboard]:
        now = await moment(connection)
        assets = await assets_of_creator(connection, creator_id)
        breakdown = of_assets(assets, ("ip_asset_id",), ("channel",))
        counted = await count(connection, breakdown, asked.days, now, asked.interval)
        by_asset = {asset: tally for (asset,), tally in counted.by("ip_asset_id").items()}
        tallies = {asset: by_asset.get(asset, Tally()) for asset in assets}
        top = by_views(tallies)[:limit]
        titles = await queries.titles(connection, [asset for asset, _ in top])
        today = DayWindow(now.today, now.today)
        answer = CreatorDashboard(
            creator_id=creator_id,
            portfolio=PortfolioSize(
                assets=len(assets),
                active_licenses=await active_licenses_on(connection, assets, today),
            ),
            totals=counted.totals(),
            other_revenue=await other_revenue(connection, breakdown.scope, counted.coverage),
            top_assets=[
                AssetSummary(asset_id=asset, title=titles.get(asset), **tally.numbers)
                for asset, tally in top
            ],
            channels=channels(counted),
            **counted.common(asked),
        )
        before = await compare(connection, answer, breakdown, asked, now)
        return Read(answer, breakdown.scope, [*counted.unclassified_windows, *before])

    return await read_classified(pool, read)
