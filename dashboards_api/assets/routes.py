"""`GET /v1/assets/{id}/metrics`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from dashboards_api.assets import service
from dashboards_api.assets.schemas import AssetMetrics
from dashboards_api.authentication import authenticated
from dashboards_api.authorization import asset_not_found
from dashboards_api.database import DatabasePool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.tokens import Caller

router = APIRouter(tags=["assets"])

Viewer = Annotated[Caller, Depends(authenticated)]


# An id may hold any character, a slash included.
@router.get(
    "/v1/assets/{asset_id:path}/metrics",
    responses={**METRICS_PROBLEMS, **answers(asset_not_found())},
    response_model_exclude_unset=True,
)
async def asset_metrics(
    viewer: Viewer,
    asset_id: Annotated[
        str,
        Path(description="The `ip_asset_id` of its events.", examples=["logstash-puppetconf-2012"]),
    ],
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
) -> AssetMetrics:
    """One IP asset's views, clicks, conversions, revenue, visitors and engagement.

    For its creator, a brand with an active license on it, and admins. For anybody else it does not
    exist: the answer is the same 404.
    """
    return await service.asset_metrics(pool, viewer, asset_id, asked)
