"""The registry of an event: the fields that a sender may give, and the columns of `raw.events`.

Whatever lists columns takes them from here: SQL of ingest, exports, the warehouse, answers of the
dashboards, redaction, erasure. A test compares it with the database.

Too long an id is an error, since a shortened id is another id. Too long a URL, user agent or
campaign value is shortened, and so are the props that the tracking plan marks: senders do not
control these values, and truncating beats rejecting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final, Literal, NamedTuple, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from eventmill.core.trust import STORED_BEFORE

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


class Kind(StrEnum):
    """What a column holds of a person or a business: it decides how exports, the warehouse,
    redaction and erasure treat the column."""

    EVENT = "event"
    """Of the event itself: its id, type, times and properties."""
    PERSON = "person"
    """An id of a person or a device."""
    VISIT = "visit"
    """An id of one visit."""
    CLICK = "click"
    """An id of one click, which an advertising network can tell the person of."""
    THING = "thing"
    """An id of something that the marketplace has."""
    URL = "url"
    AGENT = "agent"
    CAMPAIGN = "campaign"
    """A campaign's tag. `TAG_TEXT` is one that may hold free text."""
    TAG_TEXT = "tag_text"
    LABEL = "label"
    """One of few words."""


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of a column of raw.events beside its name."""

    kind: Kind
    about: str
    """A sentence for OpenAPI."""
    example: Any = None
    type: Literal["text", "uuid", "timestamptz", "jsonb", "smallint"] = "text"
    is_shown: bool = False
    """To creators and brands who may see the event's entity; others only to admins."""
    is_business: bool = False
    """A brand sees it of events of its own projects and licenses only."""


TIME = partial(Column, Kind.EVENT, type="timestamptz")
PERSON = partial(Column, Kind.PERSON)
THING = partial(Column, Kind.THING, is_shown=True)
URL = partial(Column, Kind.URL)
TAG = partial(Column, Kind.CAMPAIGN, is_shown=True, is_business=True)
TAG_TEXT = partial(Column, Kind.TAG_TEXT, is_shown=True, is_business=True)
LABEL = partial(Column, Kind.LABEL, is_shown=True)


class EventRow(NamedTuple):
    """One row of `raw.events` as ingest writes it, all as text; "" is null.

    This is the registry of columns: SQL, exports, answers and redaction take their lists from here.
    `created_at` is the database's own.
    """

    event_id: Annotated[
        str,
        Column(
            Kind.EVENT,
            "The event's id: no two events share one.",
            "019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11",
            type="uuid",
            is_shown=True,
        ),
    ]
    # ISO 8601 in UTC, so that the first ten characters are the partition's day.
    occurred_at: Annotated[str, TIME("When it happened.", "2015-05-20T21:05:15Z", is_shown=True)]
    received_at: Annotated[str, TIME("When it arrived.", "2015-05-20T21:05:16Z")]
    sent_at: Annotated[str, TIME("When its client sent it.", "2015-05-20T21:05:15Z")]
    source: Annotated[str, LABEL("What sent it.", "web")]
    event_type: Annotated[str, LABEL("What happened: a type of the tracking plan.", "asset_viewed")]
    actor_type: Annotated[str, LABEL("What kind of user it was; null: not logged in.", "user")]
    actor_id: Annotated[str, PERSON("The user who did it.", "user-7")]
    anonymous_id: Annotated[str, PERSON("The browser that it came from.", "b0f0a1c2")]
    # "" until the service knows the address, when neither actor nor anonymous id tells who it was.
    visitor_id: Annotated[str, PERSON("Who it is counted as.", "user-7")]
    session_id: Annotated[str, Column(Kind.VISIT, "The client's session.", "s-81")]
    project_id: Annotated[str, THING("A brand's project.", "spring-campaign", is_business=True)]
    ip_asset_id: Annotated[str, THING("An IP asset.", "logstash-puppetconf-2012")]
    license_id: Annotated[str, THING("A license.", "license-7", is_business=True)]
    user_id: Annotated[str, PERSON("The user, as older clients say.", "user-7")]
    brand_id: Annotated[
        str,
        THING(
            "A brand: `brand_id` of its users' tokens.", "acme", is_shown=False, is_business=True
        ),
    ]
    creator_id: Annotated[str, PERSON("A creator: `sub` of their token.", "ana")]
    props_json: Annotated[str, Column(Kind.EVENT, "Properties of the event.", type="jsonb")]
    page_url: Annotated[str, URL("The page.", "https://market.example/a/sunrise-01")]
    landing_page: Annotated[str, URL("The visit's first page.", "https://market.example/")]
    referrer: Annotated[str, URL("The page that the visit came from.", "https://www.google.com/")]
    user_agent: Annotated[
        str, Column(Kind.AGENT, "The browser, as it says.", "Mozilla/5.0 (X11; Linux x86_64)")
    ]
    utm_source: Annotated[str, TAG("`utm_source` of the visit.", "newsletter")]
    utm_medium: Annotated[str, TAG("`utm_medium` of the visit.", "email")]
    utm_campaign: Annotated[str, TAG("`utm_campaign` of the visit.", "spring")]
    utm_term: Annotated[str, TAG_TEXT("`utm_term` of the visit.", "licensing")]
    utm_content: Annotated[str, TAG_TEXT("`utm_content` of the visit.", "banner-2")]
    click_id: Annotated[str, Column(Kind.CLICK, "The advertisement's click.", "gclid-1")]
    country: Annotated[str, LABEL("Two letters, ISO 3166.", "DE")] = ""
    # No field of the sender's: ingest sets it from the key or token of the request.
    trust: Annotated[
        str,
        Column(
            Kind.EVENT,
            "Who sent it: 3 a server, 2 a user with their token, 1 anybody with the public key.",
            3,
            type="smallint",
        ),
    ] = str(int(STORED_BEFORE))


COLUMNS: Final[Mapping[str, Column]] = {
    **{
        name: annotation.__metadata__[0]
        for name, annotation in get_type_hints(EventRow, include_extras=True).items()
    },
    "created_at": TIME("When it was stored.", "2015-05-20T21:05:16Z"),
}
"""Column of raw.events → what is known of it."""


def columns_of(*kinds: Kind) -> tuple[str, ...]:
    """The names of the columns of these kinds, in order."""
    return tuple(name for name, column in COLUMNS.items() if column.kind in kinds)


_VISITOR = EventRow._fields.index("visitor_id")
_COUNTRY = EventRow._fields.index("country")


def with_visitor(row: EventRow, visitor_id: str, country: str) -> EventRow:
    """The row with the two values that its address tells; 0.5 µs, where `_replace` takes 2.5."""
    values = [*row]
    values[_VISITOR] = visitor_id
    values[_COUNTRY] = country
    return EventRow._make(values)


_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]++)?"
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
