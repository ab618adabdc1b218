"""The event envelope: which fields an event has, their bounds, and the row it becomes.

Too long an id is an error, since a shortened id is another id. Too long a URL, user agent or
campaign value is shortened, and the props that the tracking plan says so of: no sender has these in
hand, and an event is worth more than its tail.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

MAX_ID_CHARACTERS = 200
MAX_PROPS_BYTES = 32 * 1024
MAX_URL_CHARACTERS = 8192
MAX_CAMPAIGN_CHARACTERS = 500
# The longest key that a btree index of PostgreSQL holds is about 2,700 bytes.
MAX_USER_AGENT_BYTES = 1024

FUTURE_TOLERANCE = timedelta(hours=1)
# No event is older than Unix time; programs that never set a time send the year 1 or 1900.
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)

Id = Annotated[str, Field(max_length=MAX_ID_CHARACTERS)] | None
Text = str | None
DOCUMENTED = ConfigDict(use_attribute_docstrings=True)


class Utm(TypedDict, total=False):
    """The campaign that a link belongs to. At most 500 characters of each value are kept."""

    source: Text
    medium: Text
    campaign: Text
    term: Text
    content: Text


class Context(TypedDict, total=False):
    """Where the event happened. At most 8,192 characters of a URL are kept, 500 of a click id.

    There is no column for `locale` and `screen` yet: they are taken and not kept.
    """

    page_url: Text
    landing_page: Text
    referrer: Text
    user_agent: Text
    utm: Utm | None
    click_id: Text
    locale: Text
    screen: Any


@with_config(DOCUMENTED)
class Envelope(TypedDict, total=False):
    """One event. Ids have at most 200 characters.

    Null is as if absent; so is "", except in event_id, event_type and the two times.
    """

    event_id: Id
    """The idempotency key. A UUID is kept, other text maps to a stable UUIDv5; absent: UUIDv7."""
    event_type: Text
    """A type of the tracking plan."""
    occurred_at: Text
    """RFC 3339 with an offset, at most 1 h in the future. Absent: the time of receipt."""
    sent_at: Text
    """RFC 3339 with an offset: the sender's clock when it sent."""
    source: Annotated[str, Field(max_length=64)] | None
    """What sent it. Absent: `web`."""
    actor_type: Literal["user", "creator", "brand", "admin", "system"] | None
    """Together with actor_id, or not at all."""
    actor_id: Id
    anonymous_id: Id
    session_id: Id
    project_id: Id
    ip_asset_id: Id
    license_id: Id
    entity_type: Literal["project", "ip_asset", "license"] | None
    """Together with entity_id: shorthand for project_id, ip_asset_id or license_id."""
    entity_id: Id
    user_id: Id
    """Of older clients, and kept; so are brand_id and creator_id."""
    brand_id: Id
    creator_id: Id
    props: dict[str, Any] | None
    """At most 32 KB of JSON, checked against the schema of the event's type."""
    context: Context | None


ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)
FIELDS = frozenset(Envelope.__annotations__)
CONTEXT_FIELDS = frozenset(Context.__annotations__)


class EventRow(NamedTuple):
    """One row of `raw.events`, all as text. Names and order are the columns'; "" is null."""

    event_id: str
    occurred_at: str
    """ISO 8601 in UTC, so that the first ten characters are the partition's day."""
    received_at: str
    sent_at: str
    source: str
    event_type: str
    actor_type: str
    actor_id: str
    anonymous_id: str
    visitor_id: str
    """Empty when neither actor nor anonymous id tells who it was."""
    session_id: str
    project_id: str
    ip_asset_id: str
    license_id: str
    user_id: str
    brand_id: str
    creator_id: str
    props_json: str
    page_url: str
    landing_page: str
    referrer: str
    user_agent: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
    click_id: str
    country: str = ""
    """ISO 3166-1 alpha-2, of the address that sent it."""


_VISITOR = EventRow._fields.index("visitor_id")


def with_visitor(row: EventRow, visitor_id: str, country: str) -> EventRow:
    """The row with its last two values; 0.5 µs, where `_replace` takes 2.5."""
    return EventRow._make((*row[:_VISITOR], visitor_id, *row[_VISITOR + 1 : -1], country))


_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_time(text: str) -> datetime:
    """RFC 3339 with an offset → aware datetime. Raises ValueError that says what is wrong."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("must be RFC 3339 with an offset, such as 2026-01-31T09:30:00Z")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"is no time that exists: {error}") from None


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC. Raises OverflowError for a time that is in no year 1 to 9999 of UTC."""
    return moment.astimezone(UTC).isoformat()
