"""`GET /v1/brands/{id}/campaigns`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from dashboards_api.authentication import authenticated
from dashboards_api.authorization import BRANDS_ONLY, not_found, require_brand
from dashboards_api.brands import service
from dashboards_api.brands.schemas import BrandCampaigns
from dashboards_api.cache import CACHED_ANSWER, OWNER_SECONDS, AnswerCache
from dashboards_api.database import DatabasePool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_top
from eventmill.core.errors import Forbidden
from eventmill.core.tokens import Caller

router = APIRouter(tags=["brands"])

Viewer = Annotated[Caller, Depends(authenticated)]


# An id may hold any character, a slash included.
@router.get(
    "/v1/brands/{brand_id:path}/campaigns",
    response_model=BrandCampaigns,
    responses={
        **CACHED_ANSWER,
        **METRICS_PROBLEMS,
        **answers(Forbidden(BRANDS_ONLY), not_found("brand")),
    },
)
async def brand_campaigns(
    request: Request,
    viewer: Viewer,
    brand_id: Annotated[str, Path(description="The `brand_id` of its tokens and projects.")],
    asked: Annotated[tuple[MetricsRange, int], Depends(requested_top)],
    pool: DatabasePool,
    cache: AnswerCache,
) -> Response:
    """A brand's projects with their assets, and its campaigns: reach, revenue, spend and return.

    For that brand, for which it is there before its first project, and for admins. For another
    brand it does not exist: a 404.
    """
    days, limit = asked
    tags = (f"brand:{brand_id}",)
    await cache.allow(
        viewer,
        ("brand", brand_id),
        tags=tags,
        check=partial(require_brand, pool, viewer, brand_id),
    )
    return await cache.answer(
        request,
        # Whoever may see a brand's dashboard sees the same.
        key=("brand_campaigns", brand_id, days, limit),
        ttl=OWNER_SECONDS,
        tags=tags,
        days=days.all_days,
        compute=partial(service.brand_campaigns, pool, brand_id, days, limit),
    )
