"""The answer of `GET /v1/brands/{id}/campaigns`."""

from pydantic import BaseModel, Field

from dashboards_api.metrics.registry import fields_of_numbers
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod


class Performance(fields_of_numbers(views="impressions", engagement_time=None)):  # type: ignore[misc]
    """What a project, an asset in it or a campaign brought."""


class Spend(BaseModel):
    """What advertising cost, as far as it was loaded with the project that it was for."""

    spend_cents: int | None = Field(
        description="In cents of the platform's currency; null when none is known.",
        examples=[120050],
    )
    other_spend: dict[str, int] = Field(
        description="Spend in other currencies, in cents by ISO 4217 code; in no other number.",
        examples=[{"EUR": 4000}],
    )
    return_on_ad_spend: float | None = Field(
        description="revenue_cents by spend_cents, to four decimals; null without spend.",
        examples=[3.2462],
    )


class NamedAsset(BaseModel):
    asset_id: str = Field(description="The `ip_asset_id` of its events.", examples=["asset-7"])
    is_licensed: bool = Field(
        description="Whether a license made for the project holds on any day of the range.",
        examples=[True],
    )


class ProjectAsset(Performance, NamedAsset):
    """An asset within one project: its events that name both."""


class NamedProject(BaseModel):
    project_id: str = Field(examples=["autumn-line"])
    name: str | None = Field(
        description="What its creation called it; null if it did not say.",
        examples=["Autumn line"],
    )
    status: str = Field(
        description="`created`, `started`, `completed` or `archived`, as it is now.",
        examples=["started"],
    )


class ProjectPerformance(Spend, Performance, NamedProject):
    """One project, over the whole range."""

    assets: list[ProjectAsset] = Field(
        description="Assets licensed for the project in the range, and those with events in it: the"
        " most viewed first, at most `limit`. Events without an asset are in the project and in"
        " none of these."
    )


class NamedCampaign(BaseModel):
    campaign: str | None = Field(
        description="The `utm_campaign` that brought the visit, in lower case; null for visits"
        " without one.",
        examples=["may"],
    )


class CampaignPerformance(Spend, Performance, NamedCampaign):
    """One campaign within all of the brand's projects."""


class BrandTotals(Spend, Metrics):
    """All projects together: who visited several of them is one visitor."""


class BrandCampaigns(BaseModel):
    """The projects of one brand, and the campaigns that led there."""

    brand_id: str = Field(examples=["acme"])
    range: AnsweredRange
    totals: BrandTotals
    series: list[Point]
    projects: list[ProjectPerformance] = Field(
        description="Every project of the brand, those without events too; the most viewed first."
    )
    campaigns: list[CampaignPerformance] = Field(
        description="Campaigns with events or spend in the range, the most viewed first."
    )
    previous: PreviousPeriod | None = None
    meta: Meta
