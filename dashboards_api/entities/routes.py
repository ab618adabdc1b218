"""`GET /v1/entities/{type}/{id}/events`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from dashboards_api.authentication import Viewer
from dashboards_api.authorization import not_found
from dashboards_api.database import StatePool
from dashboards_api.entities import service
from dashboards_api.entities.queries import EntityType
from dashboards_api.entities.schemas import EntityEvents, EventsParameters
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import refuse_repeated

router = APIRouter(tags=["entities"])


def _asked(request: Request, parameters: Annotated[EventsParameters, Query()]) -> EventsParameters:
    refuse_repeated(request)
    return parameters


# An id may hold any character, a slash included.
@router.get(
    "/v1/entities/{type}/{id:path}/events",
    responses={**METRICS_PROBLEMS, **answers(not_found("project"))},
    response_model_exclude_unset=True,
)
async def entity_events(
    viewer: Viewer,
    entity: Annotated[
        EntityType,
        Path(alias="type", description="What the id names.", examples=["ip_asset"]),
    ],
    entity_id: Annotated[
        str,
        Path(
            alias="id",
            description="The project's, asset's or license's id in its events.",
            examples=["logstash-puppetconf-2012"],
        ),
    ],
    asked: Annotated[EventsParameters, Depends(_asked)],
    state_pool: StatePool,
    request: Request,
) -> EntityEvents:
    """The raw events of a project, an IP asset or a license, newest first, in pages.

    For whoever may see its numbers: a project's brand; an asset's creator and the brands with an
    active license on it; a license's brand and its asset's creator; admins. Only admins get what
    tells who made an event, and each such page is recorded in the audit log.
    """
    return await service.entity_events(
        request.app.state.pool, state_pool, viewer, entity, entity_id, asked
    )
