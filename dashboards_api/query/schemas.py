"""The body of `POST /v1/query`."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema

from dashboards_api.ranges import DateRange, Period

Operator = Literal["is", "is_not", "contains", "in", "not_in"]
Direction = Literal["asc", "desc"]
DEFAULT_LIMIT, MAX_LIMIT = 100, 10_000
MAX_OFFSET = 10_000_000
MAX_NAMES = 20
MAX_FILTERS = 50
MAX_VALUES = 1_000

_Value = str | int | None
_Values = _Value | Annotated[list[_Value], Field(min_length=1, max_length=MAX_VALUES)]
# What a value is depends on its dimension: `reading.py` checks it.
Values = Annotated[Any, WithJsonSchema(TypeAdapter(_Values).json_schema())]


def _whole(value: object) -> object:
    """A whole number as JSON has it; pydantic would also take "5" and true."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("use a whole number")  # noqa: TRY004
    return value


class Filter(BaseModel):
    """A condition on a dimension. Several must all hold."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="A dimension.", examples=["channel"])
    op: Operator | None = Field(
        None,
        description="`is`, `is_not` one value; `in`, `not_in` a list; `contains` a part of the"
        " text, upper and lower case told apart. Without it: `in` for a list, else `is`. null is a"
        " value: `is` null has the rows without one, and `is_not` x has them too.",
        examples=["in"],
    )
    value: Values = Field(
        description="What to compare with; null is no value at all.",
        examples=[["direct", "organic_search"]],
    )


class Order(BaseModel):
    """What to sort by; rows without a value come last in both directions."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(
        description="A metric or dimension that the query asks for.", examples=["views"]
    )
    direction: Direction = Field(
        "asc", description="Ascending (`asc`) or descending (`desc`).", examples=["desc"]
    )


def _filters(value: object) -> object:
    """`{"channel": "direct"}` → a filter for each; one filter alone → a list of it."""
    if not isinstance(value, dict):
        return [] if value is None else value
    if "field" in value:
        return [value]
    return [{"field": field, "value": wanted} for field, wanted in value.items()]


def _orders(value: object) -> object:
    """`"-views"` → descending by views; one alone → a list of it."""
    if value is None:
        return []
    return [_order(one) for one in (value if isinstance(value, list) else [value])]


def _order(value: object) -> object:
    if not isinstance(value, str):
        return value
    descends = value.startswith("-")
    return {"field": value.removeprefix("-"), "direction": "desc" if descends else "asc"}


def _range(value: object) -> object:
    if value is None:
        return {}
    return {"period": value} if isinstance(value, str) else value


def _short(read: Callable[[object], object], forms: Any) -> BeforeValidator:
    """`read` makes the whole form of a short one; `forms` are all that a body may have."""
    return BeforeValidator(read, json_schema_input_type=forms)


_Filters = Annotated[list[Filter], Field(max_length=MAX_FILTERS)]
_FiltersByName = Annotated[
    dict[str, Values],
    Field(max_length=MAX_FILTERS, description="Each dimension and its value, or list of values."),
]
Filters = Annotated[_Filters, _short(_filters, _Filters | Filter | _FiltersByName | None)]
_Name = Annotated[str, Field(description="A name; with - before it, descending.")]
_Orders = Annotated[list[_Name | Order], Field(max_length=MAX_NAMES)]
Orders = Annotated[
    list[Order], Field(max_length=MAX_NAMES), _short(_orders, _Orders | _Name | Order | None)
]
Range = Annotated[DateRange, _short(_range, DateRange | Period | None)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(_whole)]
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET), BeforeValidator(_whole)]


class QueryRequest(BaseModel):
    """A question. `GET /v1/query/schema` says what can be asked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "metrics": ["views", "unique_visitors"],
                    "dimensions": ["channel"],
                    "filters": [{"field": "country", "op": "in", "value": ["DE", "FR"]}],
                    "date_range": {"start": "2015-05-17", "end": "2015-05-20"},
                    "order_by": ["-views"],
                    "limit": 10,
                }
            ]
        },
    )

    metrics: list[str] = Field(
        min_length=1,
        max_length=MAX_NAMES,
        description="What is counted, all of datasets that have the dimensions.",
        examples=[["views"]],
    )
    dimensions: list[str] = Field(
        default_factory=list,
        max_length=MAX_NAMES,
        description="What rows are grouped by. Without any the answer is one row, the total.",
        examples=[["channel"]],
    )
    filters: Filters = Field(
        default_factory=list,
        description="Conditions that all hold: a list of `{field, op, value}`; or, for short, an"
        ' object of fields and values: `{"channel": "direct", "country": ["DE", "FR"]}`.',
        examples=[[{"field": "country", "op": "in", "value": ["DE", "FR"]}]],
    )
    date_range: Range = Field(
        default_factory=DateRange.model_construct,
        description="`{start, end}`, `{period}` or a period such as `90d`. Default: `30d`.",
        examples=[{"start": "2015-05-17", "end": "2015-05-20"}],
    )
    order_by: Orders = Field(
        default_factory=list,
        description="What to sort by: names, with `-` before one for descending, or a list of"
        " `{field, direction}`. Default: by time if that is asked for, then by the first metric,"
        " descending. Rows that are equal come in the order of their dimensions.",
        examples=[["-views"]],
    )
    limit: Limit = Field(DEFAULT_LIMIT, description="How many rows at most.")
    offset: Offset = Field(0, description="How many rows to leave out first.")
    attribution_model: str | None = Field(
        None,
        max_length=100,
        description="For attribution metrics: the model that shares a conversion out among touches."
        " Default: the one that campaigns are reported by.",
        examples=["linear"],
    )
