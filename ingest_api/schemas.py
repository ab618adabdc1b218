"""The shapes of requests and answers, for the OpenAPI page. Bodies are read and written raw."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, Field, with_config
from typing_extensions import TypedDict

from eventmill.core.registry import DOCUMENTED, MAX_ID_CHARACTERS, Envelope
from eventmill.http import problems
from ingest_api.body import MAX_EVENTS
from ingest_api.events import Status

Id = Annotated[str, Field(max_length=MAX_ID_CHARACTERS)]
Time = Annotated[str, Field(description="RFC 3339 with an offset.")]


@with_config(DOCUMENTED)
class EventList(TypedDict):
    """Up to 1,000 events."""

    events: list[Envelope]
    write_key: NotRequired[str | None]
    """As `X-Write-Key`, for who can send no headers."""
    user_token: NotRequired[str | None]
    """As the bearer token, for who can send no headers."""


class EventResult(BaseModel):
    """What became of one event; results are in the order of the events."""

    event_id: str | None
    """The id that it is stored under. Null only if it was rejected and has no readable id."""
    status: Status
    errors: list[problems.ProblemField] = []
    """Everything that is wrong with it, if it was rejected. Otherwise absent."""
    warnings: list[problems.ProblemField] = []
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


class Problem(problems.Problem):
    """RFC 9457; `code` and `message` are its status and detail as the Segment API names them."""

    code: str
    message: str


@with_config(DOCUMENTED)
class Call(TypedDict, total=False):
    """One call of the Segment tracking API."""

    messageId: Id
    """The idempotency key."""
    anonymousId: Id
    userId: Id
    previousId: Id
    """Of `alias`."""
    event: str
    """Of `track`: an event type, or any spelling or alias of one."""
    properties: dict[str, Any]
    context: dict[str, Any]
    timestamp: Time
    originalTimestamp: Time
    sentAt: Time
    writeKey: str
    """Instead of a header."""


class TypedCall(Call, total=False):
    """A call of a batch, which says its type."""

    type: Literal["track", "page", "screen", "identify", "group", "alias"]


class CallBatch(TypedDict):
    """Up to 1,000 calls."""

    batch: Annotated[list[TypedCall], Field(max_length=MAX_EVENTS)]
    sentAt: NotRequired[Time]
    writeKey: NotRequired[str]


class Success(BaseModel):
    """Every event that was not rejected is stored durably."""

    success: bool
