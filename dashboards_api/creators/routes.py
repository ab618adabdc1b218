"""`GET /v1/creators/{id}/dashboard`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from dashboards_api.authorization import CREATORS_ONLY, not_found
from dashboards_api.calls import OneCall, cached
from dashboards_api.creators import service
from dashboards_api.creators.schemas import CreatorDashboard
from dashboards_api.ranges import MAX_TOP_ASSETS, MetricsRange, TopParameters, requested_top
from eventmill.core.errors import Forbidden

router = APIRouter(tags=["creators"])


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
    responses=cached(Forbidden(CREATORS_ONLY), not_found("creator")),
)
async def creator_dashboard(
    call: OneCall,
    creator_id: Annotated[str, Path(description="The creator's `sub`, as in their token.")],
    asked: Annotated[tuple[MetricsRange, int], Depends(requested)],
) -> Response:
    """A creator's assets together and by themselves: numbers, revenue, channels, licenses.

    For that creator, for whom it is there before the first upload, and for admins. For another
    creator it does not exist: a 404.
    """
    return await call.about("creator", creator_id, service.creator_dashboard, *asked)
