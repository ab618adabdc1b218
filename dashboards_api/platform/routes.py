"""`GET /v1/platform/metrics`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from dashboards_api.authentication import ADMINS_ONLY, admin
from dashboards_api.cache import CACHED_ANSWER, PLATFORM_SECONDS, PLATFORM_TAG, AnswerCache
from dashboards_api.database import DatabasePool
from dashboards_api.platform import service
from dashboards_api.platform.schemas import PlatformMetrics
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.core.days import DayWindow
from eventmill.core.errors import Forbidden
from eventmill.core.tokens import Caller

router = APIRouter(tags=["platform"])

Admin = Annotated[Caller, Depends(admin)]


@router.get(
    "/v1/platform/metrics",
    response_model=PlatformMetrics,
    responses={**CACHED_ANSWER, **METRICS_PROBLEMS, **answers(Forbidden(ADMINS_ONLY))},
)
async def platform_metrics(
    request: Request,
    _: Admin,
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
    cache: AnswerCache,
) -> Response:
    """Views, clicks, conversions, revenue, visitors and engagement of everything, for admins.

    `growth` compares the totals with those of as many days right before the range.
    """
    return await cache.answer(
        request,
        key=("platform_metrics", asked),
        ttl=PLATFORM_SECONDS,
        tags=(PLATFORM_TAG,),
        days=DayWindow(asked.previous().first, asked.days.last),  # growth needs both,
        compute=partial(service.platform_metrics, pool, asked),
    )
