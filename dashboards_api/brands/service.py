"""What a brand's dashboard is made of."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from psycopg import AsyncConnection

from dashboards_api.authorization import projects_of_brand
from dashboards_api.brands import queries
from dashboards_api.brands.queries import ASSET, CAMPAIGN, PROJECT, Project, Spent
from dashboards_api.brands.schemas import (
    BrandCampaigns,
    BrandTotals,
    CampaignPerformance,
    ProjectAsset,
    ProjectPerformance,
)
from dashboards_api.brands.spend import Costs
from dashboards_api.database import Pool
from dashboards_api.licenses import Holding, licenses_held_by
from dashboards_api.metrics import service as metrics
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import projects_scope
from dashboards_api.portfolios.service import Portfolio, count, count_together
from dashboards_api.portfolios.tally import Tally
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import utc_today

Name = TypeVar("Name", str, str | None)


async def brand_campaigns(
    pool: Pool, brand_id: str, asked: MetricsRange, limit: int
) -> BrandCampaigns:
    """The brand's projects and campaigns over `asked`, each project with its `limit` most viewed
    assets."""
    today = utc_today()

    async def read(connection: AsyncConnection) -> Read[BrandCampaigns]:
        now = await moment(connection)
        ids = await projects_of_brand(connection, brand_id)
        breakdown = queries.portfolio(ids, limit)
        found = await count(connection, breakdown, asked.days, today, now, asked.interval)
        spent = await queries.spend(connection, ids, asked.days)
        licenses = await licenses_held_by(connection, brand_id, asked.days)
        totals = metrics.totals(found.counted)
        answer = BrandCampaigns(
            brand_id=brand_id,
            range=metrics.answered_range(asked),
            totals=BrandTotals(
                **totals.model_dump(),
                **Costs.of(spent).beside(totals.revenue_cents).model_dump(),
            ),
            series=metrics.series(asked, found.counted),
            projects=_projects(
                await queries.projects(connection, ids), found, licenses, spent, limit
            ),
            campaigns=_campaigns(found, spent),
            meta=await metrics.meta(connection, found.counted, now),
        )
        unclassified = found.unclassified_windows
        if asked.compare:
            before = await count_together(connection, breakdown, asked.previous(), today, now)
            answer.previous = metrics.previous(before)
            unclassified += before.unclassified_windows
        return Read(answer, projects_scope(ids), unclassified)

    return await read_classified(pool, read)


def _projects(
    projects: Iterable[Project],
    found: Portfolio,
    licenses: list[Holding],
    spent: list[Spent],
    limit: int,
) -> list[ProjectPerformance]:
    assets: defaultdict[str, dict[str, Tally]] = defaultdict(dict)
    for one in licenses:
        if one.project_id is not None:
            assets[one.project_id][one.ip_asset_id] = Tally()
    licensed = {project: set(members) for project, members in assets.items()}
    for (project_id, asset), tally in found.by(PROJECT, ASSET).items():
        if asset is not None:
            assets[project_id][asset] = tally

    def answered(project: Project, tally: Tally) -> ProjectPerformance:
        project_id = project.project_id
        costs = Costs.of(one for one in spent if one.project_id == project_id)
        return ProjectPerformance(
            project_id=project_id,
            name=project.name,
            status=project.status,
            **_performance(tally),
            **costs.beside(tally.revenue_cents).model_dump(),
            assets=[
                ProjectAsset(
                    asset_id=asset,
                    is_licensed=asset in licensed.get(project_id, ()),
                    **_performance(tally),
                )
                for asset, tally in _by_views(assets.get(project_id, {}))[:limit]
            ],
        )

    known = {project.project_id: project for project in projects}
    tallies = {name: found.by(PROJECT).get((name,), Tally()) for name in known}
    return [answered(known[name], tally) for name, tally in _by_views(tallies)]


def _campaigns(found: Portfolio, spent: list[Spent]) -> list[CampaignPerformance]:
    """Each campaign that has events, or spend alone."""
    tallies: dict[str | None, Tally] = {one.campaign: Tally() for one in spent}
    tallies |= {campaign: tally for (campaign,), tally in found.by(CAMPAIGN).items()}
    return [
        CampaignPerformance(
            campaign=campaign,
            **_performance(tally),
            **Costs.of(one for one in spent if one.campaign == campaign)
            .beside(tally.revenue_cents)
            .model_dump(),
        )
        for campaign, tally in _by_views(tallies)
    ]


def _performance(tally: Tally) -> dict[str, int]:
    return {
        "impressions": tally.views,
        "clicks": tally.clicks,
        "conversions": tally.conversions,
        "revenue_cents": tally.revenue_cents,
        "unique_visitors": tally.unique_visitors,
    }


def _by_views(tallies: dict[Name, Tally]) -> list[tuple[Name, Tally]]:
    """The most viewed first; of equals the one that earned more, then by name, no name first."""

    def rank(item: tuple[Name, Tally]) -> tuple[int, int, str]:
        name, tally = item
        return (-tally.views, -tally.revenue_cents, name or "")

    return sorted(tallies.items(), key=rank)
