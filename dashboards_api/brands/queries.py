"""The SQL that only a brand's dashboard needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection

from dashboards_api.database import rows
from dashboards_api.metrics.breakdowns import Breakdown, Top
from dashboards_api.metrics.scopes import projects_scope
from eventmill.core.days import DayWindow

PROJECTS = """
select project_id, name, status
from rules.projects
where project_id = any(%(projects)s)
order by project_id
"""

SPEND = """
select
    project_id,
    rules.clean_tag(campaign) as campaign,
    currency,
    (currency <> (select platform.currency from enrichment.platform_currency as platform))
    is true as is_other,
    sum(cost_cents)::bigint as cents
from raw.ad_spend
where project_id = any(%(projects)s) and date between %(first)s and %(last)s
group by 1, 2, 3
order by 1, 2, 3
"""

PROJECT, ASSET, CAMPAIGN = "project_id", "ip_asset_id", "campaign"


@dataclass(frozen=True, slots=True)
class Project:
    project_id: str
    name: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What a campaign of a project cost, in cents; `is_other`: not in the platform's currency."""

    project_id: str
    campaign: str | None
    currency: str
    is_other: bool
    cents: int


def portfolio(projects: Sequence[str], most: int) -> Breakdown:
    """These projects: together, each by itself, the `most` viewed assets in each, and by
    campaign."""
    return Breakdown(
        table="intermediate.int_project_days",
        rows="project_id = any(%(project_ids)s)",
        scope=projects_scope(projects),
        sets=((PROJECT,), (PROJECT, ASSET), (CAMPAIGN,)),
        top=Top(within=PROJECT, member=ASSET, most=most),
    )


async def projects(connection: AsyncConnection, ids: Sequence[str]) -> list[Project]:
    """Name and status of these projects, as they are now."""
    return await rows(connection, Project, PROJECTS, {"projects": list(ids)})


async def spend(
    connection: AsyncConnection, project_ids: Sequence[str], days: DayWindow
) -> list[Spent]:
    """What these projects cost. Spend that names no project is the platform's own, and not here."""
    parameters = {"projects": list(project_ids), "first": days.first, "last": days.last}
    return await rows(connection, Spent, SPEND, parameters)
