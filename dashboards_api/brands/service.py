"""What a brand's dashboard is made of."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

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
from dashboards_api.database import Pool
from dashboards_api.licenses import Holding, licenses_held_by
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.service import Counted, compare, count
from dashboards_api.metrics.tally import Tally, by_views
from dashboards_api.ranges import MetricsRange


async def brand_campaigns(
    pool: Pool, brand_id: str, asked: MetricsRange, limit: int
) -> BrandCampaigns:
    """The brand's projects and campaigns over `asked`, each project with its `limit` most viewed
    assets."""

    async def read(connection: AsyncConnection) -> Read[BrandCampaigns]:
        now = await moment(connection)
        ids = await projects_of_brand(connection, brand_id)
        breakdown = queries.portfolio(ids, limit)
        counted = await count(connection, breakdown, asked.days, now, asked.interval)
        spent = await queries.spend(connection, ids, asked.days)
        licenses = await licenses_held_by(connection, brand_id, asked.days)
        projects = await queries.projects(connection, ids)
        total = counted.total
        answer = BrandCampaigns(
            brand_id=brand_id,
            totals=BrandTotals(**total.numbers, **_costs(spent, total)),
            projects=_projects(projects, counted, licenses, spent, limit),
            campaigns=_campaigns(counted, spent),
            **counted.common(asked),
        )
        before = await compare(connection, answer, breakdown, asked, now)
        return Read(answer, breakdown.scope, [*counted.unclassified_windows, *before])

    return await read_classified(pool, read)


def _projects(
    projects: Iterable[Project],
    found: Counted,
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
        of_project = [one for one in spent if one.project_id == project_id]
        return ProjectPerformance(
            project_id=project_id,
            name=project.name,
            status=project.status,
            **_performance(tally),
            **_costs(of_project, tally),
            assets=[
                ProjectAsset(
                    asset_id=asset,
                    is_licensed=asset in licensed.get(project_id, ()),
                    **_performance(tally),
                )
                for asset, tally in by_views(assets.get(project_id, {}))[:limit]
            ],
        )

    known = {project.project_id: project for project in projects}
    tallies = {name: found.by(PROJECT).get((name,), Tally()) for name in known}
    return [answered(known[name], tally) for name, tally in by_views(tallies)]


def _campaigns(found: Counted, spent: list[Spent]) -> list[CampaignPerformance]:
    """Each campaign that has events, or spend alone."""
    tallies: dict[str | None, Tally] = {one.campaign: Tally() for one in spent}
    tallies |= {campaign: tally for (campaign,), tally in found.by(CAMPAIGN).items()}
    return [
        CampaignPerformance(
            campaign=campaign,
            **_performance(tally),
            **_costs([one for one in spent if one.campaign == campaign], tally),
        )
        for campaign, tally in by_views(tallies)
    ]


def _performance(tally: Tally) -> dict[str, int]:
    return {**tally.numbers, "impressions": tally["views"]}


def _costs(spent: Sequence[Spent], tally: Tally) -> dict[str, Any]:
    """The fields of `Spend`. Money in other currencies than the platform's is kept apart; no spend
    in the platform's is null, which is not 0."""
    own = [one.cents for one in spent if not one.is_other]
    other: Counter[str] = Counter()
    for one in spent:
        if one.is_other:
            other[one.currency] += one.cents
    cents = sum(own) if own else None
    return {
        "spend_cents": cents,
        "other_spend": dict(sorted(other.items())),
        "return_on_ad_spend": round(tally["revenue_cents"] / cents, 4) if cents else None,
    }
