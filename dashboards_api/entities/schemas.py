"""What `GET /v1/entities/{type}/{id}/events` takes and answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dashboards_api.entities.queries import EntityType
from dashboards_api.ranges import Day

MAX_EVENTS = 500
_ADMINS = "Only in an admin's answer. "


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


class EntityEvent(BaseModel):
    """One event. Creators and brands get nothing that tells who made it: see the guide."""

    event_id: UUID = Field(examples=["019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11"])
    event_type: str = Field(examples=["asset_viewed"])
    occurred_at: datetime = Field(examples=["2015-05-20T21:05:15Z"])
    source: str = Field(description="What sent it.", examples=["web"])
    actor_type: str | None = Field(
        None, description="What kind of user it was; null: not logged in.", examples=["user"]
    )
    project_id: str | None = Field(
        None,
        description="A brand does not get the ids and `props` of another brand's business.",
        examples=["spring-campaign"],
    )
    ip_asset_id: str | None = Field(None, examples=["logstash-puppetconf-2012"])
    license_id: str | None = Field(None, examples=["license-7"])
    brand_id: str | None = Field(
        None,
        description="Of uploads, projects, licenses and royalties; for admins of every event.",
        examples=["acme"],
    )
    creator_id: str | None = Field(None, description="As `brand_id`.", examples=["ana"])
    props: dict[str, Any] = Field(
        description="Amounts, terms and kinds; for admins all properties.",
        examples=[{"engagement_ms": 1200}],
    )
    referrer_domain: str | None = Field(
        None, description="The site that the visit came from.", examples=["google.com"]
    )
    utm_source: str | None = Field(None, examples=["newsletter"])
    utm_medium: str | None = Field(None, examples=["email"])
    utm_campaign: str | None = Field(None, examples=["spring"])
    utm_term: str | None = None
    utm_content: str | None = None
    country: str | None = Field(None, description="Two letters.", examples=["DE"])
    received_at: datetime | None = Field(None, description=_ADMINS + "When it arrived.")
    sent_at: datetime | None = Field(None, description=_ADMINS + "When its client sent it.")
    created_at: datetime | None = Field(None, description=_ADMINS + "When it was stored.")
    visitor_id: str | None = Field(None, description=_ADMINS + "Who it is counted as.")
    actor_id: str | None = Field(None, description=_ADMINS + "The user who made it.")
    user_id: str | None = Field(None, description=_ADMINS + "The user, as older clients say.")
    anonymous_id: str | None = Field(None, description=_ADMINS + "The browser that made it.")
    session_id: str | None = Field(None, description=_ADMINS + "The client's session.")
    user_agent: str | None = Field(None, description=_ADMINS + "The browser, as it says.")
    page_url: str | None = Field(None, description=_ADMINS + "The page.")
    landing_page: str | None = Field(None, description=_ADMINS + "The visit's first page.")
    referrer: str | None = Field(None, description=_ADMINS + "The page that the visit came from.")
    click_id: str | None = Field(None, description=_ADMINS + "The advertisement's click.")


class EntityEvents(BaseModel):
    """A page of an entity's events, the newest first."""

    entity_type: EntityType = Field(examples=["ip_asset"])
    entity_id: str = Field(examples=["logstash-puppetconf-2012"])
    events: list[EntityEvent]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last.",
        examples=["AASFNjQ3AEABnxxeCjF8XpsdDY96HysR"],
    )
