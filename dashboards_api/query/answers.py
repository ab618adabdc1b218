"""What `POST /v1/query` answers."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from dashboards_api.metrics.schemas import Meta

_ROWS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}},
}


class Days(BaseModel):
    """A range of days."""

    start: datetime.date = Field(description="First UTC day, inclusive.", examples=["2015-05-17"])
    end: datetime.date = Field(description="Last UTC day, inclusive.", examples=["2015-05-20"])


class Column(BaseModel):
    """One value of each row."""

    name: str = Field(description="As the query named it.", examples=["views"])
    kind: Literal["dimension", "metric"] = Field(
        description="What the query asked for it as.", examples=["metric"]
    )
    type: Literal["text", "date", "integer", "number"] = Field(
        description="What its values are.", examples=["integer"]
    )


class QueryMeta(Meta):
    """How far the numbers can be trusted."""

    not_built: list[Days] = Field(
        description="Days that are not built, of which metrics that cannot be counted live (those"
        " of attribution) know nothing yet. Empty where the query asks for none of them.",
    )


class QueryAnswer(BaseModel):
    """The rows, and what they mean."""

    metrics: list[str] = Field(description="As asked.", examples=[["views"]])
    dimensions: list[str] = Field(description="As asked.", examples=[["channel"]])
    columns: list[Column] = Field(description="What each row holds: dimensions, then metrics.")
    # pydantic would look at each of a million values once more.
    rows: Annotated[list[Any], WithJsonSchema(_ROWS_SCHEMA)] = Field(
        description="Each by the columns' names. Values of dimensions are text, or null where"
        " events have none; dates are YYYY-MM-DD.",
        examples=[[{"channel": "direct", "views": 1250}]],
    )
    total_rows: int = Field(description="How many rows there are without a limit.", examples=[1])
    limit: int = Field(examples=[100])
    offset: int = Field(examples=[0])
    attribution_model: str | None = Field(
        description="The model of the attribution metrics; null where none is asked for.",
        examples=[None],
    )
    range: Days
    meta: QueryMeta
