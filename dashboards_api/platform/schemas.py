"""The answer of `GET /v1/platform/metrics`."""

from pydantic import BaseModel, Field

from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod

_GROWTH = "Change against the period before, as a fraction of it: 0.25 is a quarter more."


class Growth(BaseModel):
    """Each total against that of the period before; null where that was 0."""

    views: float | None = Field(description=_GROWTH, examples=[0.25])
    clicks: float | None = Field(description=_GROWTH, examples=[-0.0312])
    conversions: float | None = Field(description=_GROWTH, examples=[None])
    revenue_cents: float | None = Field(description=_GROWTH, examples=[None])
    unique_visitors: float | None = Field(description=_GROWTH, examples=[0.1])
    engagement_time: float | None = Field(description=_GROWTH, examples=[0.4])


class PlatformMetrics(BaseModel):
    """The metrics of the whole platform."""

    range: AnsweredRange
    totals: Metrics
    growth: Growth
    series: list[Point] = Field(description="Each interval of the range, in order, zeros included.")
    previous: PreviousPeriod | None = None
    meta: Meta
