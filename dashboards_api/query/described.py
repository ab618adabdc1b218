"""`GET /v1/query/schema`: what can be asked, as it is now."""

from dataclasses import asdict
from typing import Literal, get_args

from pydantic import BaseModel, Field

from dashboards_api.query.catalog import Catalog
from dashboards_api.query.schemas import DEFAULT_LIMIT, MAX_LIMIT, Operator
from dashboards_api.ranges import MAX_DAYS, Period

OPERATORS: dict[Operator, str] = {
    "is": "Equal to the value; null finds what has none.",
    "is_not": "Anything but the value, null included unless it is the value.",
    "contains": "Has the value as a part, upper and lower case told apart. Not for dates or null.",
    "in": "One of a list of values, of which null may be one.",
    "not_in": "None of a list of values; null is let through unless it is one of them.",
}


class DescribedMetric(BaseModel):
    """A number that a query may ask for."""

    name: str = Field(description="As a query names it.", examples=["views"])
    description: str = Field(
        description="What it counts.", examples=["Times that somebody looked at an IP asset."]
    )
    type: Literal["integer", "number"] = Field(
        description="What its values are.", examples=["integer"]
    )
    adds_up: bool = Field(
        description="Whether its rows add up to the total; different visitors do not.",
        examples=[True],
    )
    is_live: bool = Field(
        description="Whether days that are not built are counted when you ask.", examples=[True]
    )


class DescribedDimension(BaseModel):
    """What rows may be grouped and filtered by."""

    name: str = Field(description="As a query names it.", examples=["asset"])
    description: str = Field(description="What it is.", examples=["The IP asset, or null."])
    type: Literal["text", "date"] = Field(description="What its values are.", examples=["text"])
    aliases: list[str] = Field(
        description="Other names that a query may use.", examples=[["asset_id", "ip_asset_id"]]
    )


class DescribedDataset(BaseModel):
    """Metrics and dimensions that go together."""

    name: str = Field(description="Its name; a query needs none.", examples=["traffic"])
    description: str = Field(
        description="What is counted in it.",
        examples=["One row per UTC day, visitor and dimension."],
    )
    metrics: list[DescribedMetric] = Field(description="Its numbers.")
    dimensions: list[DescribedDimension] = Field(description="What they are grouped by.")


class DescribedOperator(BaseModel):
    """How a filter compares."""

    name: Operator = Field(description="As a filter names it.", examples=["is"])
    description: str = Field(description="What it lets through.", examples=["Equal to the value."])


class AttributionModels(BaseModel):
    """By which a conversion is shared out among touches."""

    names: list[str] = Field(
        description="The models there are.", examples=[["first_touch", "last_touch", "linear"]]
    )
    default: str | None = Field(
        description="The one that campaigns are reported by.", examples=["last_non_direct"]
    )


class Limits(BaseModel):
    """How much one query may ask for."""

    days: int = Field(description="Most days of a range.", examples=[MAX_DAYS])
    default_rows: int = Field(
        description="Rows of an answer without `limit`.", examples=[DEFAULT_LIMIT]
    )
    rows: int = Field(description="Most rows of an answer.", examples=[MAX_LIMIT])


class QuerySchema(BaseModel):
    """What can be asked. A dimension can be used with the metrics of each dataset that has it."""

    datasets: list[DescribedDataset] = Field(description="What there is to ask for.")
    operators: list[DescribedOperator] = Field(description="How filters compare.")
    attribution_models: AttributionModels
    periods: list[str] = Field(
        description="Names of ranges that end today.", examples=[list(get_args(Period))]
    )
    limits: Limits


def describe(catalog: Catalog) -> QuerySchema:
    models = list(catalog.models())
    return QuerySchema.model_validate(
        {
            "datasets": [
                {
                    "name": dataset.name,
                    "description": dataset.description,
                    "metrics": list(dataset.metrics.values()),
                    "dimensions": [
                        {**asdict(one), "type": one.type, "aliases": dataset.aliases(one)}
                        for one in dataset.dimensions.values()
                    ],
                }
                for dataset in catalog.datasets.values()
            ],
            "operators": [{"name": name, "description": OPERATORS[name]} for name in OPERATORS],
            "attribution_models": {
                "names": [name for one in models for name in one.names],
                "default": models[0].default if models else None,
            },
            "periods": get_args(Period),
            "limits": {"days": MAX_DAYS, "default_rows": DEFAULT_LIMIT, "rows": MAX_LIMIT},
        },
        from_attributes=True,
    )
