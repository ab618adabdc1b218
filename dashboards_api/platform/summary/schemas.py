"""The answer of `GET /v1/platform/summary`."""

import datetime

from pydantic import BaseModel, Field

from dashboards_api.metrics.schemas import AnsweredRange, Meta

_CHANGE = "Change against the period before, as a fraction of it; null where that was 0."


class Counts(BaseModel):
    """How many of a kind, each once. What each means for each kind is in the guide."""

    active: int = Field(
        description="With an event in the range; licenses: valid on a day of it.", examples=[318]
    )
    new: int = Field(description="That came to be in the range.", examples=[25])
    total: int = Field(
        description="That came to be by the end of the range, and those active in it.",
        examples=[1204],
    )


class CountsGrowth(BaseModel):
    """The same against the period before."""

    active: float | None = Field(description=_CHANGE, examples=[0.12])
    new: float | None = Field(description=_CHANGE, examples=[-0.0385])
    total: float | None = Field(description=_CHANGE, examples=[0.0212])


class SummaryNumbers(BaseModel):
    """People and things of the platform over a period, and what they earned."""

    users: Counts = Field(description="Actors of the type user; new: who signed up.")
    creators: Counts = Field(description="Actors of the type creator; new: their first upload.")
    brands: Counts = Field(
        description="Brands whose people acted; new: the first project or license that names it."
    )
    assets: Counts = Field(description="IP assets with any event; new: the first upload.")
    licenses: Counts = Field(description="Licenses valid on any day; new: created.")
    revenue_cents: int = Field(
        description="Revenue of new and renewed licenses, in cents.", examples=[5196000]
    )


class SummaryGrowth(BaseModel):
    """Each number against that of the period before."""

    users: CountsGrowth
    creators: CountsGrowth
    brands: CountsGrowth
    assets: CountsGrowth
    licenses: CountsGrowth
    revenue_cents: float | None = Field(description=_CHANGE, examples=[0.25])


class PreviousSummary(SummaryNumbers):
    """As many days right before the range; there with `compare=previous`."""

    start: datetime.date = Field(description="First UTC day, inclusive.", examples=["2015-05-13"])
    end: datetime.date = Field(description="Last UTC day, inclusive.", examples=["2015-05-16"])


class PlatformSummary(SummaryNumbers):
    """Who and what is on the platform, and how that grows."""

    range: AnsweredRange
    growth: SummaryGrowth
    previous: PreviousSummary | None = None
    meta: Meta
