"""The body that requests an export, and the answer that describes it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from dashboards_api.exports.columns import FILTERS, Format
from dashboards_api.ranges import DateRange
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import COLUMNS, MAX_CAMPAIGN_CHARACTERS
from eventmill.core.suggestions import closest
from eventmill.core.tracking_plan import tracking_plan

MAX_VALUES = 100
State = Literal["queued", "running", "done", "failed", "deleted", "expired", "erased"]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _storable(text: str) -> str:
    """What PostgreSQL cannot hold would be its error, not ours."""
    if problem := text_problem(text):
        raise ValueError(problem)
    return text


def _known_types(types: list[str]) -> list[str]:
    known = tracking_plan().event_types
    for name in types:
        if name not in known:
            close = closest(name, tracking_plan().type_set)
            hint = f": did you mean {close!r}?" if close else ""
            raise ValueError(f"{name[:100]!r} is not in the tracking plan{hint}")
    return types


Text = Annotated[str, AfterValidator(_storable)]
Value = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_CAMPAIGN_CHARACTERS)]
Values = Annotated[
    list[Value], Field(min_length=1, max_length=MAX_VALUES), BeforeValidator(_as_list)
]
Types = Annotated[Values, AfterValidator(_known_types)]


class _Filters(BaseModel):
    """Which events: those that match every filter, each a value or a list of which any will do."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        if isinstance(given, dict) and (unknown := _unknown(given)):
            raise ValueError(f"there is no filter {unknown}: use {', '.join(FILTERS)}")
        return given


_FIELDS: dict[str, Any] = {
    name: (
        (Types if name == "event_type" else Values) | None,
        Field(None, examples=[[COLUMNS[name].example]]),
    )
    for name in FILTERS
}
Filters = create_model("Filters", __base__=_Filters, __doc__=_Filters.__doc__, **_FIELDS)


def _unknown(given: Iterable[object]) -> str:
    return ", ".join(repr(str(name)[:100]) for name in given if name not in FILTERS)


class ExportRequest(DateRange):
    """Which events, and as what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "format": "csv",
                    "start": "2015-05-17",
                    "end": "2015-05-20",
                    "filters": {"event_type": "asset_viewed"},
                },
                {
                    "format": "parquet",
                    "period": "30d",
                    "include_personal_data": True,
                    "reason": "Request 4711 of the data protection officer",
                },
            ]
        },
    )

    format: Format = Field(description="`csv`, `jsonl` (JSON Lines) or `parquet`.")
    filters: Filters = Field(default_factory=Filters)
    include_personal_data: bool = Field(
        False, strict=True, description="Leave ids, URLs and props as they are. Needs a `reason`."
    )
    reason: Annotated[Text, StringConstraints(strip_whitespace=True, max_length=500)] | None = (
        Field(
            None,
            description="What the personal data is needed for; it goes into the audit log.",
            examples=["Request 4711 of the data protection officer"],
        )
    )


class Range(BaseModel):
    """The days of an export, both inclusive."""

    start: date = Field(examples=["2015-05-17"])
    end: date = Field(examples=["2015-05-20"])


class Progress(BaseModel):
    """How far it is. Days are finished in their order."""

    days: int = Field(description="Days of the range.", examples=[4])
    finished_days: int = Field(description="Days that are read.", examples=[2])
    rows: int = Field(description="Events of the finished days.", examples=[2104])
    through: date | None = Field(
        description="The last finished day; null before the first.", examples=["2015-05-18"]
    )


class Export(BaseModel):
    """An export, and how far it is."""

    export_id: UUID
    state: State = Field(
        description="`queued`, `running`, then `done` or `failed`. Without a file any more:"
        " `expired`, `deleted`, or `erased` because it held somebody whose data was erased.",
        examples=["done"],
    )
    format: Format = Field(description="As what the events are written.", examples=["csv"])
    range: Range
    filters: dict[str, list[str]] = Field(
        description="Which events are in it: those that match every filter.",
        examples=[{"event_type": ["asset_viewed"]}],
    )
    include_personal_data: bool = Field(description="Whether nothing is redacted in it.")
    reason: str | None = Field(
        description="What the personal data is needed for; null without any.", examples=[None]
    )
    requested_by: str = Field(description="`sub` of the admin's token.", examples=["me"])
    requested_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When the file is removed.")
    progress: Progress
    rows: int | None = Field(description="Events in the file, once it is done.", examples=[5201])
    bytes: int | None = Field(description="Size of the file.", examples=[1183744])
    dropped_days: int = Field(
        description="Days of the range whose events the retention had removed when it was asked"
        " for.",
        examples=[0],
    )
    error: str | None = Field(
        description="Why it failed, or why it is tried again.", examples=[None]
    )
    download_url: str | None = Field(
        description="A link to the file that needs no token, while `state` is `done`; in a list it"
        " is null.",
        examples=["http://127.0.0.1:8001/v1/exports/…/download?expires=1793370600&signature=…"],
    )
    download_url_expires_at: datetime | None = Field(
        description="Until when the link works.", examples=["2015-05-21T09:00:00Z"]
    )


class ExportRow(Export):
    """The same as the table has it, with what is not told: where the file is."""

    storage: str = Field(exclude=True)
    file_key: str | None = Field(exclude=True)


class ExportList(BaseModel):
    """Exports, the newest first."""

    exports: list[Export]
    next_cursor: UUID | None = Field(
        description="`cursor` of the next page; null on the last.", examples=[None]
    )
