"""`GET /v1/platform/metrics`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from dashboards_api.authentication import ADMINS_ONLY, admin
from dashboards_api.database import DatabasePool
from dashboards_api.platform import service
from dashboards_api.platform.schemas import PlatformMetrics
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange, requested_range
from eventmill.errors import Forbidden
from eventmill.tokens import Caller

router = APIRouter(tags=["platform"])

Admin = Annotated[Caller, Depends(admin)]


@router.get(
    "/v1/platform/metrics",
    responses={**METRICS_PROBLEMS, **answers(Forbidden(ADMINS_ONLY))},
    response_model_exclude_unset=True,
)
async def platform_metrics(
    _: Admin,
    asked: Annotated[MetricsRange, Depends(requested_range)],
    pool: DatabasePool,
) -> PlatformMetrics:
    """Views, clicks, conversions, revenue, visitors and engagement of everything, for admins.

    `growth` compares the totals with those of as many days right before the range.
    """
    return await service.platform_metrics(pool, asked)
