"""The shape of a report, in requests and answers."""

import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dashboards_api.query.schemas import QueryRequest

EXAMPLE_QUERY: dict[str, Any] = {
    "metrics": ["views", "unique_visitors"],
    "dimensions": ["channel"],
    "date_range": {"period": "30d"},
}


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("may not hold the character NUL")
    return text


def _named(name: str) -> str:
    if not (trimmed := _storable(name).strip()):
        raise ValueError("is empty")
    return trimmed


class ReportBody(BaseModel):
    """A query and its name."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_named)] = Field(
        min_length=1,
        max_length=200,
        description="Different from the names of your other reports.",
        examples=["Channels of the month"],
    )
    description: Annotated[str, AfterValidator(_storable)] | None = Field(
        None,
        max_length=2000,
        description="What it is for; null is nothing.",
        examples=["For the weekly meeting"],
    )
    query: QueryRequest = Field(examples=[EXAMPLE_QUERY])


class Report(BaseModel):
    """A saved report."""

    id: UUID = Field(
        description="The report's id.", examples=["0c2c6b6e-6c1d-4a53-9b40-3b2f3fd8b0ad"]
    )
    name: str = Field(description="As you named it.", examples=["Channels of the month"])
    description: str | None = Field(
        description="What it is for, or null.", examples=["For the weekly meeting"]
    )
    query: dict[str, Any] = Field(
        description="As the body of `POST /v1/query`.", examples=[EXAMPLE_QUERY]
    )
    created_at: datetime.datetime = Field(examples=["2015-05-21T02:03:11.512345Z"])
    updated_at: datetime.datetime = Field(examples=["2015-05-21T02:03:11.512345Z"])


class Reports(BaseModel):
    """Your reports, by name."""

    reports: list[Report]
