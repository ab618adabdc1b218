"""The SQL that only a brand's dashboard needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection

from dashboards_api.database import rows
from dashboards_api.metrics.breakdowns import Breakdown, Top
from dashboards_api.metrics.scopes import projects_scope
from eventmill.core.days import DayWindow

# As dim_projects has them: the name of the first creation to arrive that has one, and the status of
# the last event by when it happened; of events of one moment the one further on in life is later.
PROJECTS = """
with events as (
    select
        project_id,
        event_id,
        event_type,
        occurred_at,
        received_at,
        case
            when event_type = 'project_created'
                then coalesce(props_json ->> 'title', props_json ->> 'name')
        end as title,
        array_position(
            array['project_created', 'project_started', 'project_completed', 'project_archived'],
            event_type
        ) as order_of_life
    from raw.lifecycle_events
    where project_id = any(%(projects)s) and event_type like 'project%%'
)

select
    project_id,
    (array_agg(title order by received_at, event_id) filter (where title is not null))[1] as name,
    (
        array_agg(
            split_part(event_type, '_', 2)
            order by occurred_at desc, order_of_life desc, event_id desc
        )
    )[1] as status
from events
group by project_id
order by project_id
"""

# Tags are compared as those of links are: the macro clean_tag of the dbt project.
SPEND = """
select
    project_id,
    nullif(nullif(lower(btrim(campaign) collate "C"), ''), '(not set)') as campaign,
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
        keys=(PROJECT, ASSET, CAMPAIGN),
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
