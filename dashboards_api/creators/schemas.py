"""The answer of `GET /v1/creators/{id}/dashboard`."""

from pydantic import BaseModel, Field

from dashboards_api.assets.schemas import ChannelMetrics
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod


class NamedAsset(BaseModel):
    asset_id: str = Field(description="The `ip_asset_id` of its events.", examples=["asset-7"])
    title: str | None = Field(
        description="What its upload called it; null if it did not say.",
        examples=["Autumn leaves, seamless"],
    )


class AssetSummary(Metrics, NamedAsset):
    """One asset of a portfolio, over the whole range."""


class PortfolioSize(BaseModel):
    """What the creator has, today and whatever the range."""

    assets: int = Field(description="Assets that the creator uploaded.", examples=[42])
    active_licenses: int = Field(
        description="Licenses on these assets that hold today.", examples=[17]
    )


class CreatorDashboard(BaseModel):
    """The assets of one creator, together and by themselves."""

    creator_id: str = Field(examples=["ana"])
    range: AnsweredRange
    portfolio: PortfolioSize
    totals: Metrics = Field(
        description="Of all assets together: who visited several of them is one visitor."
    )
    other_revenue: dict[str, int] = Field(
        description="Revenue in other currencies than the platform's, in cents by ISO 4217 code; it"
        " is in no other number.",
        examples=[{"EUR": 129900}],
    )
    series: list[Point] = Field(description="All assets together, revenue included, by interval.")
    top_assets: list[AssetSummary] = Field(
        description="The most viewed first; of equals the one that earned more. Assets without"
        " events come last."
    )
    channels: list[ChannelMetrics]
    previous: PreviousPeriod | None = None
    meta: Meta
