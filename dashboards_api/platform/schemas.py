"""The answer of `GET /v1/platform/metrics`."""

from pydantic import BaseModel, Field

from dashboards_api.metrics.registry import fields_of_changes
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod

_GROWTH = "Change against the period before, as a fraction of it: 0.25 is a quarter more."


class Growth(fields_of_changes(_GROWTH)):  # type: ignore[misc]
    """Each total against that of the period before; null where that was 0."""


class PlatformMetrics(BaseModel):
    """The metrics of the whole platform."""

    range: AnsweredRange
    totals: Metrics
    growth: Growth
    series: list[Point] = Field(description="Each interval of the range, in order, zeros included.")
    previous: PreviousPeriod | None = None
    meta: Meta
