"""`GET /v1/platform/summary`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from dashboards_api.authentication import ADMINS_ONLY, admin
from dashboards_api.cache import CACHED_ANSWER, PLATFORM_SECONDS, PLATFORM_TAG, AnswerCache
from dashboards_api.database import DatabasePool
from dashboards_api.platform.summary import service
from dashboards_api.platform.summary.schemas import PlatformSummary
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.core.errors import Forbidden
from eventmill.core.tokens import Caller

router = APIRouter(tags=["platform"])

Admin = Annotated[Caller, Depends(admin)]


@router.get(
    "/v1/platform/summary",
    response_model=PlatformSummary,
    responses={**CACHED_ANSWER, **METRICS_PROBLEMS, **answers(Forbidden(ADMINS_ONLY))},
)
async def platform_summary(
    request: Request,
    _: Admin,
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
    cache: AnswerCache,
) -> Response:
    """Users, creators, brands, assets and licenses: how many are active, new and there at all; and
    revenue. For admins.

    `growth` compares each with as many days right before the range. There is no series, so
    `interval` changes nothing.
    """
    return await cache.answer(
        request,
        key=("platform_summary", asked),
        ttl=PLATFORM_SECONDS,
        tags=(PLATFORM_TAG,),
        days=None,  # who signed up on any day is in the total
        compute=partial(service.platform_summary, pool, asked),
    )
