"""What every metrics answer is made of."""

import datetime

from pydantic import BaseModel, Field

from dashboards_api.metrics.registry import fields_of_numbers
from dashboards_api.ranges import Interval, MetricsRange


class Metrics(fields_of_numbers()):  # type: ignore[misc]
    """The six numbers. Bots are not in them; days are UTC days."""


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

    @classmethod
    def of(cls, asked: MetricsRange) -> "AnsweredRange":
        return cls(start=asked.days.first, end=asked.days.last, interval=asked.interval)


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
