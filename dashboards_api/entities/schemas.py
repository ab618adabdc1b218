"""What `GET /v1/entities/{type}/{id}/events` takes and answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from dashboards_api.entities.queries import EntityType
from dashboards_api.entities.redaction import PARTIES
from dashboards_api.ranges import Day
from eventmill.core.registry import COLUMNS, Column

MAX_EVENTS = 500
ALWAYS = ("event_id", "event_type", "occurred_at", "source")


def _text(value: object) -> object:
    if isinstance(value, str) and ("\x00" in value or not value.isprintable()):
        raise ValueError("has characters that no event type has")
    return value


class EventsParameters(BaseModel):
    """Which events of the entity, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    start: Day | None = Field(
        None, description="First UTC day, inclusive.", examples=["2015-05-17"]
    )
    end: Day | None = Field(None, description="Last UTC day, inclusive.", examples=["2015-05-20"])
    event_type: Annotated[str | None, BeforeValidator(_text)] = Field(
        None, max_length=200, description="Only events of this type.", examples=["asset_viewed"]
    )
    limit: int = Field(50, ge=1, le=MAX_EVENTS, description="How many events a page has at most.")
    cursor: str | None = Field(
        None,
        max_length=100,
        description="`next_cursor` of the page before. Events that arrive meanwhile move nothing.",
    )


PROPS: Any = (
    dict[str, Any],
    Field(
        description="Amounts, terms and kinds; for admins all properties.",
        examples=[{"engagement_ms": 1200}],
    ),
)
DOMAIN: Any = (
    str | None,
    Field(None, description="The site that the visit came from.", examples=["google.com"]),
)


def _field(name: str, column: Column) -> Any:
    """A column's field; one that not everybody is shown may be absent."""
    hidden = "" if column.is_shown or name in PARTIES else "Only in an admin's answer. "
    kind: Any = {"uuid": UUID, "timestamptz": datetime, "smallint": int}.get(column.type, str)
    always = name in ALWAYS
    return kind if always else kind | None, Field(
        ... if always else None, description=hidden + column.about, examples=[column.example]
    )


_FIELDS = {name: _field(name, column) for name, column in COLUMNS.items() if name != "props_json"}
EntityEvent = create_model(
    "EntityEvent",
    __doc__="""One event. Creators and brands get nothing that tells who made it: see the guide.

    A brand does not get events of another brand's business, and of nobody's it gets neither
    campaign, source and referrer nor amounts. `brand_id` and `creator_id` are of uploads, projects,
    licenses and royalties; for admins of every event.
    """,
    **_FIELDS,
    props=PROPS,
    referrer_domain=DOMAIN,
)


class EntityEvents(BaseModel):
    """A page of an entity's events, the newest first."""

    entity_type: EntityType = Field(examples=["ip_asset"])
    entity_id: str = Field(examples=["logstash-puppetconf-2012"])
    events: list[EntityEvent]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last.",
        examples=["AASFNjQ3AEABnxxeCjF8XpsdDY96HysR"],
    )
