"""`GET /v1/brands/{id}/campaigns`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from dashboards_api.authentication import authenticated
from dashboards_api.authorization import BRANDS_ONLY, not_found, require_brand
from dashboards_api.brands import service
from dashboards_api.brands.schemas import BrandCampaigns
from dashboards_api.database import DatabasePool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.errors import Forbidden
from eventmill.tokens import Caller

router = APIRouter(tags=["brands"])

Viewer = Annotated[Caller, Depends(authenticated)]


# An id may hold any character, a slash included.
@router.get(
    "/v1/brands/{brand_id:path}/campaigns",
    responses={**METRICS_PROBLEMS, **answers(Forbidden(BRANDS_ONLY), not_found("brand"))},
    response_model_exclude_unset=True,
)
async def brand_campaigns(
    viewer: Viewer,
    brand_id: Annotated[str, Path(description="The `brand_id` of its tokens and projects.")],
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
) -> BrandCampaigns:
    """A brand's projects with their assets, and its campaigns: reach, revenue, spend and return.

    For that brand, for which it is there before its first project, and for admins. For another
    brand it does not exist: a 404.
    """
    await require_brand(pool, viewer, brand_id)
    return await service.brand_campaigns(pool, brand_id, asked)
