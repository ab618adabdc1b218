"""`GET /v1/brands/{id}/campaigns`."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from dashboards_api.authorization import BRANDS_ONLY, not_found
from dashboards_api.brands import service
from dashboards_api.brands.schemas import BrandCampaigns
from dashboards_api.calls import OneCall, cached
from dashboards_api.ranges import AskedTop
from eventmill.core.errors import Forbidden

router = APIRouter(tags=["brands"])


# An id may hold any character, a slash included.
@router.get(
    "/v1/brands/{brand_id:path}/campaigns",
    response_model=BrandCampaigns,
    responses=cached(Forbidden(BRANDS_ONLY), not_found("brand")),
)
async def brand_campaigns(
    call: OneCall,
    brand_id: Annotated[str, Path(description="The `brand_id` of its tokens and projects.")],
    asked: AskedTop,
) -> Response:
    """A brand's projects with their assets, and its campaigns: reach, revenue, spend and return.

    For that brand, for which it is there before its first project, and for admins. For another
    brand it does not exist: a 404.
    """
    return await call.about("brand", brand_id, service.brand_campaigns, *asked)
