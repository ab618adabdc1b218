"""`GET /v1/assets/{id}/metrics`."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from dashboards_api.assets import service
from dashboards_api.assets.schemas import AssetMetrics
from dashboards_api.authorization import not_found
from dashboards_api.calls import OneCall, cached
from dashboards_api.ranges import Asked

router = APIRouter(tags=["assets"])


# An id may hold any character, a slash included.
@router.get(
    "/v1/assets/{asset_id:path}/metrics",
    response_model=AssetMetrics,
    responses=cached(not_found("asset")),
)
async def asset_metrics(
    call: OneCall,
    asset_id: Annotated[
        str,
        Path(description="The `ip_asset_id` of its events.", examples=["logstash-puppetconf-2012"]),
    ],
    asked: Asked,
) -> Response:
    """One IP asset's views, clicks, conversions, revenue, visitors and engagement.

    A brand gets everybody's views, clicks, visitors and engagement. Conversions, revenue and
    channels are those of its own projects and licenses.

    For its creator, a brand with an active license on it, and admins. For anybody else it does not
    exist: the answer is the same 404.
    """
    return await call.about("asset", asset_id, service.asset_metrics, asked, call.brand_id)
