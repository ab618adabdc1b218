"""The shapes of requests and answers, for the OpenAPI page. Bodies are read and written raw."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, Field, with_config
from typing_extensions import TypedDict

from eventmill.core.registry import DOCUMENTED, Envelope


@with_config(DOCUMENTED)
class Batch(TypedDict):
    """Up to 1,000 events."""

    events: list[Envelope]
    write_key: NotRequired[str | None]
    """As `X-Write-Key`, for who can send no headers."""
    user_token: NotRequired[str | None]
    """As the bearer token, for who can send no headers."""


class FieldProblem(BaseModel):
    field: Annotated[str, Field(examples=["props.revenue_cents"])]
    """Dotted path of the field."""
    message: Annotated[str, Field(examples=['"12.99" is not of type "integer"'])]


class EventResult(BaseModel):
    """What became of one event; results are in the order of the events."""

    event_id: str | None
    """The id that it is stored under. Null only if it was rejected and has no readable id."""
    status: Literal["accepted", "duplicate", "rejected", "dropped"]
    errors: list[FieldProblem] = []
    """Everything that is wrong with it, if it was rejected. Otherwise absent."""
    warnings: list[FieldProblem] = []
    """Fields that were ignored or shortened. Absent if there are none."""
    clock_skew_seconds: int = 0
    """What `occurred_at` was shifted by, as `sent_at` shows a wrong clock. Absent if it was not."""


class Answer(BaseModel):
    """Counts, and what became of each event."""

    accepted: int
    duplicate: int
    rejected: int
    dropped: int
    results: list[EventResult]


class Problem(BaseModel):
    """RFC 9457; `code` and `message` are its status and detail as the Segment API names them."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    errors: list[FieldProblem] = []


def problem(description: str, **headers: str) -> dict[str, Any]:
    """An OpenAPI response of `application/problem+json`."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described = {"description": description, "content": content}
    if headers:
        described["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": {"type": "integer"}}
            for name, text in headers.items()
        }
    return described
