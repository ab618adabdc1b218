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
    """The totals of one channel."""


class AssetMetrics(BaseModel):
    """The metrics of one IP asset."""

    asset_id: str = Field(
        description="The `ip_asset_id` of its events.", examples=["logstash-puppetconf-2012"]
    )
    range: AnsweredRange
    totals: Metrics
    series: list[Point] = Field(description="Each interval of the range, in order, zeros included.")
    channels: list[ChannelMetrics] = Field(
        description="The totals by where visits came from, most viewed channel first."
    )
    previous: PreviousPeriod | None = None
    meta: Meta
