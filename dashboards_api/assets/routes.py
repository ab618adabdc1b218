"""`GET /v1/assets/{id}/metrics`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from dashboards_api.assets import service
from dashboards_api.assets.schemas import AssetMetrics
from dashboards_api.authentication import authenticated
from dashboards_api.authorization import asset_not_found, require_asset
from dashboards_api.cache import ASSET_SECONDS, CACHED_ANSWER, AnswerCache
from dashboards_api.database import DatabasePool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.core.tokens import Caller

router = APIRouter(tags=["assets"])

Viewer = Annotated[Caller, Depends(authenticated)]


# An id may hold any character, a slash included.
@router.get(
    "/v1/assets/{asset_id:path}/metrics",
    response_model=AssetMetrics,
    responses={**CACHED_ANSWER, **METRICS_PROBLEMS, **answers(asset_not_found())},
)
async def asset_metrics(
    request: Request,
    viewer: Viewer,
    asset_id: Annotated[
        str,
        Path(description="The `ip_asset_id` of its events.", examples=["logstash-puppetconf-2012"]),
    ],
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
    cache: AnswerCache,
) -> Response:
    """One IP asset's views, clicks, conversions, revenue, visitors and engagement.

    For its creator, a brand with an active license on it, and admins. For anybody else it does not
    exist: the answer is the same 404.
    """
    tags = (f"asset:{asset_id}",)
    await cache.allow(
        viewer,
        ("asset", asset_id),
        tags=tags,
        check=partial(require_asset, pool, viewer, asset_id),
    )
    return await cache.answer(
        request,
        # Whoever may see an asset sees the same.
        key=("asset_metrics", asset_id, asked),
        ttl=ASSET_SECONDS,
        tags=tags,
        days=asked.all_days,
        compute=partial(service.asset_metrics, pool, asset_id, asked),
    )
