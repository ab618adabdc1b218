"""`GET /v1/creators/{id}/dashboard`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from dashboards_api.authentication import authenticated
from dashboards_api.authorization import CREATORS_ONLY, not_found, require_creator
from dashboards_api.cache import CACHED_ANSWER, OWNER_SECONDS, AnswerCache
from dashboards_api.creators import service
from dashboards_api.creators.schemas import CreatorDashboard
from dashboards_api.database import DatabasePool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MAX_TOP_ASSETS, MetricsRange, TopParameters, requested_top
from eventmill.core.errors import Forbidden
from eventmill.core.tokens import Caller

router = APIRouter(tags=["creators"])

Viewer = Annotated[Caller, Depends(authenticated)]


class DashboardParameters(TopParameters):
    limit: int = Field(
        10, ge=1, le=MAX_TOP_ASSETS, description="How many assets `top_assets` has at most."
    )


def requested(
    request: Request, parameters: Annotated[DashboardParameters, Query()]
) -> tuple[MetricsRange, int]:
    """FastAPI dependency: the range, and how many assets."""
    return requested_top(request, parameters)


# An id may hold any character, a slash included.
@router.get(
    "/v1/creators/{creator_id:path}/dashboard",
    response_model=CreatorDashboard,
    responses={
        **CACHED_ANSWER,
        **METRICS_PROBLEMS,
        **answers(Forbidden(CREATORS_ONLY), not_found("creator")),
    },
)
async def creator_dashboard(
    request: Request,
    viewer: Viewer,
    creator_id: Annotated[str, Path(description="The creator's `sub`, as in their token.")],
    asked: Annotated[tuple[MetricsRange, int], Depends(requested)],
    pool: DatabasePool,
    cache: AnswerCache,
) -> Response:
    """A creator's assets together and by themselves: numbers, revenue, channels, licenses.

    For that creator, for whom it is there before the first upload, and for admins. For another
    creator it does not exist: a 404.
    """
    days, limit = asked
    tags = (f"creator:{creator_id}",)
    await cache.allow(
        viewer,
        ("creator", creator_id),
        tags=tags,
        check=partial(require_creator, pool, viewer, creator_id),
    )
    return await cache.answer(
        request,
        # Whoever may see a creator's dashboard sees the same.
        key=("creator_dashboard", creator_id, days, limit),
        ttl=OWNER_SECONDS,
        tags=tags,
        days=days.all_days,
        compute=partial(service.creator_dashboard, pool, creator_id, days, limit),
    )
