"""The answer of `GET /v1/assets/{id}/metrics`."""

from pydantic import BaseModel, Field

from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod


class Named(BaseModel):
    channel: str = Field(
        description="Where the visit came from: a default channel group of Google Analytics 4, in"
        " snake_case.",
        examples=["organic_search"],
    )


class ChannelMetrics(Metrics, Named):
    """The totals of one channel, most viewed channel first."""


class AssetMetrics(BaseModel):
    """The metrics of one IP asset."""

    asset_id: str = Field(examples=["logstash-puppetconf-2012"])
    range: AnsweredRange
    totals: Metrics
    series: list[Point]
    channels: list[ChannelMetrics]
    previous: PreviousPeriod | None = None
    meta: Meta
