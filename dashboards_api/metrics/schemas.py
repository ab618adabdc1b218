"""What every metrics answer is made of."""

import datetime

from pydantic import BaseModel, Field

from dashboards_api.ranges import Interval


class Metrics(BaseModel):
    """The six numbers. Bots are not in them; days are UTC days."""

    views: int = Field(description="Times that somebody looked at an IP asset.", examples=[1250])
    clicks: int = Field(
        description="Downloads of an asset and clicks to license it.", examples=[87]
    )
    conversions: int = Field(description="Licenses created.", examples=[4])
    revenue_cents: int = Field(
        description="Revenue of new and renewed licenses, in cents.", examples=[519600]
    )
    unique_visitors: int = Field(
        description="Different visitors with any event; each is counted once in the range and once"
        " in each point, so points do not add up to the total.",
        examples=[903],
    )
    engagement_time: int = Field(
        description="Time that visitors were engaged, in milliseconds.", examples=[4512000]
    )


class Dated(BaseModel):
    date: datetime.date = Field(
        description="First UTC day of the point's interval: the day itself, the Monday of the ISO"
        " week, or the first of the month.",
        examples=["2015-05-17"],
    )


class Point(Metrics, Dated):
    """One day, week or month of a series."""


class AnsweredRange(BaseModel):
    """The days that were counted."""

    start: datetime.date = Field(description="First UTC day, inclusive.", examples=["2015-05-17"])
    end: datetime.date = Field(description="Last UTC day, inclusive.", examples=["2015-05-20"])
    interval: Interval = Field(description="How long one point is.", examples=["day"])


class PreviousPeriod(BaseModel):
    """As many days right before the range; there with `compare=previous`."""

    start: datetime.date = Field(description="First UTC day, inclusive.", examples=["2015-05-13"])
    end: datetime.date = Field(description="Last UTC day, inclusive.", examples=["2015-05-16"])
    totals: Metrics


class Meta(BaseModel):
    """How far the numbers can be trusted."""

    as_of: datetime.datetime = Field(
        description="When the freshest days of the range were counted: now if any is counted live,"
        " else when the last of them was built.",
        examples=["2015-05-21T02:03:11.512345Z"],
    )
    built_through: datetime.date | None = Field(
        description="Last UTC day that is built; later ones are counted live. Null: none is.",
        examples=["2015-05-20"],
    )
    definition: str = Field(
        description="Hash of the metric definitions behind the numbers; `mixed` when days of the"
        " range were built by others than today's.",
        examples=["0f343b0931126a20f133d67c2b018a3b"],
    )
    cached: bool = Field(description="Whether the answer came from a cache.", examples=[False])
