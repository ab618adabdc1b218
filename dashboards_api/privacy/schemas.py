"""What is held on a person, and the certificate of an erasure."""

import datetime
from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dashboards_api.metrics.registry import fields_of_numbers
from eventmill.privacy.certificate import Certificate

Rows = list[dict[str, Any]]


class Held(BaseModel):
    """Everything held on a person: one list of rows for each table, as the database has them.

    A table that comes to hold something on people has a list of its own too.
    """

    model_config = ConfigDict(extra="allow")

    subject_id: str = Field(description="The id that was asked for.", examples=["ann-7f3a91c2"])
    ids: list[str] = Field(
        description="All ids that stand for the person.", examples=[["anon-41b7", "ann-7f3a91c2"]]
    )
    identities: Rows = Field(
        description="Which anonymous ids belong to which user. A link that is not `verified` is a"
        " browser's claim and no more: look at it before you hand anything out.",
        examples=[[{"anonymous_id": "anon-41b7", "user_id": "ann-7f3a91c2", "verified": True}]],
    )
    events: Rows = Field(
        description="Raw events, in their order in time.",
        examples=[
            [
                {
                    "event_type": "asset_viewed",
                    "ip_asset_id": "sunrise-01",
                    "visitor_id": "ann-7f3a91c2",
                }
            ]
        ],
    )
    attribution: Rows = Field(
        description="Where the person came from, with what device.",
        examples=[[{"channel": "organic_search", "device_type": "desktop"}]],
    )
    sessions: Rows = Field(
        description="Visits.",
        examples=[[{"visitor_id": "ann-7f3a91c2", "started_at": "2015-05-17T10:05:03Z"}]],
    )
    conversions: Rows = Field(
        description="Licenses that the person created.",
        examples=[[{"event_type": "license_created", "revenue_cents": 129900}]],
    )
    conversion_touches: Rows = Field(
        description="Arrivals that led to these.",
        examples=[[{"channel": "email"}]],
    )
    int_conversion_credits: Rows = Field(
        description="How these were credited.",
        examples=[[{"model": "last_touch", "credit": 1}]],
    )
    visitors: Rows = Field(
        description="The person's number in the sets of visitors.",
        examples=[[{"visitor_number": 4711, "visitor_id": "ann-7f3a91c2"}]],
    )
    lifecycle_events: Rows = Field(
        description="What they did with assets, projects and licenses, or is said of them there.",
        examples=[[{"event_type": "asset_uploaded", "actor_id": "ann-7f3a91c2"}]],
    )
    rejected_events: Rows = Field(
        description="Refused events that name them.",
        examples=[[{"reason": "unknown event type"}]],
    )
    exports: Rows = Field(
        description="Exports of days on which they have events.",
        examples=[[{"export_id": "019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11", "state": "done"}]],
    )


class DayTotals(fields_of_numbers(engagement_time=None)):  # type: ignore[misc]
    """Numbers of all the days together, each visitor once."""

    events: int = Field(description="Raw events, those of bots included.", examples=[51230])
    unique_visitors: int = Field(description="Different visitors with any event.", examples=[944])


class Rebuild(BaseModel):
    """Days whose marts are built again without the person."""

    state: Literal["asked", "built"] = Field(
        description="`asked` until all are built; until then their numbers are counted live."
    )
    days: list[datetime.date] = Field(
        description="UTC days that are built again.", examples=[["2015-05-17"]]
    )
    waiting_days: list[datetime.date] = Field(
        description="Those that are not built yet.", examples=[["2015-05-17"]]
    )


class Erasure(BaseModel):
    """The certificate of an erasure. It holds nothing of whose it was but a keyed hash."""

    erasure_id: UUID = Field(
        description="The certificate's id.", examples=["019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11"]
    )
    erased_at: datetime.datetime = Field(
        description="What was received before and comes later, out of a spool or by a replay, is"
        " not stored.",
        examples=["2015-05-21T08:00:00Z"],
    )
    subject_hash: str = Field(
        description="Keyed hash of the id that was asked for; the key is not in the database.",
        examples=["9b4c7d0e5a…"],
    )
    removed: dict[str, int] = Field(
        description="Rows that were deleted, by table.", examples=[{"raw.events": 41}]
    )
    pseudonymised: dict[str, int] = Field(
        description="Rows of others, or of the marketplace's own records, that named the person and"
        " have a pseudonym in place of the id, by table.",
        examples=[{"marts.visitors": 1}],
    )
    days: list[datetime.date] = Field(
        description="UTC days of what was removed.", examples=[["2015-05-17"]]
    )
    totals_before: DayTotals | None = Field(
        description="Numbers of the days that have raw events, counted from these. Null before the"
        " first start of the whole system."
    )
    totals_after: DayTotals | None
    rebuild: Rebuild


def erasure(certificate: Certificate) -> Erasure:
    """A certificate as it is answered."""
    rebuild = {
        "state": certificate.state,
        "days": certificate.rebuilt_days,
        "waiting_days": certificate.waiting_days,
    }
    return Erasure.model_validate({**asdict(certificate), "rebuild": rebuild})
