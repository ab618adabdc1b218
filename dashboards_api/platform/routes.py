"""`GET /v1/platform/metrics` and `/v1/platform/summary`."""

from fastapi import APIRouter, Response

from dashboards_api.authentication import ADMINS_ONLY
from dashboards_api.calls import OneAdminCall, cached
from dashboards_api.platform import service
from dashboards_api.platform.schemas import PlatformMetrics
from dashboards_api.platform.summary import service as summary
from dashboards_api.platform.summary.schemas import PlatformSummary
from dashboards_api.ranges import Asked
from eventmill.core.days import DayWindow
from eventmill.core.errors import Forbidden

router = APIRouter(tags=["platform"])

RESPONSES = cached(Forbidden(ADMINS_ONLY))


@router.get("/v1/platform/metrics", response_model=PlatformMetrics, responses=RESPONSES)
async def platform_metrics(call: OneAdminCall, asked: Asked) -> Response:
    """Views, clicks, conversions, revenue, visitors and engagement of everything, for admins.

    `growth` compares the totals with those of as many days right before the range.
    """
    both_periods = DayWindow(asked.previous().first, asked.days.last)
    return await call.platform(service.platform_metrics, asked, both_periods)


@router.get("/v1/platform/summary", response_model=PlatformSummary, responses=RESPONSES)
async def platform_summary(call: OneAdminCall, asked: Asked) -> Response:
    """Users, creators, brands, assets and licenses: how many are active, new and there at all; and
    revenue. For admins.

    `growth` compares each with as many days right before the range. There is no series, so
    `interval` changes nothing.
    """
    # Any day: who signed up on any day is in the total.
    return await call.platform(summary.platform_summary, asked, days=None)
