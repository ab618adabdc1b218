"""What is held on a person, and the certificate of an erasure."""

import datetime
from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dashboards_api.metrics.registry import fields_of_numbers
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.erase import Preview

Rows = list[dict[str, Any]]


class Claimed(BaseModel):
    """An id of which a browser with a public key said that it is the person. It proves nothing."""

    kind: Literal["user_id", "anonymous_id", "visitor_id"] = Field(
        description="What the id is: of a user, of a browser, or a hash of address and user agent.",
        examples=["anonymous_id"],
    )
    id: str = Field(description="What `include` takes.", examples=["anon-41b7"])
    received_at: datetime.datetime = Field(
        description="When it was first said.", examples=["2015-05-17T10:05:03Z"]
    )
    key_id: str | None = Field(
        description="The write key that it came with, if that is known.", examples=["web-1"]
    )
    events: int = Field(description="How many events it would add.", examples=[12])


class Held(BaseModel):
    """Everything held on a person: one list of rows for each table, as the database has them.

    A table that comes to hold something on people has a list of its own too.
    """

    model_config = ConfigDict(extra="allow")

    subject_id: str = Field(description="The id that was asked for.", examples=["ann-7f3a91c2"])
    ids: list[str] = Field(
        description="All ids that stand for the person.", examples=[["anon-41b7", "ann-7f3a91c2"]]
    )
    claimed: list[Claimed] = Field(
        description="What browsers claim of the person: nothing of it is in this answer, unless"
        " `include` names it."
    )
    identities: Rows = Field(
        description="Which anonymous ids belong to which user.",
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
    remaining: dict[str, int] = Field(
        description="Rows that cannot be changed and still hold an id of the person, by table: of"
        " somebody who was an admin, what they did.",
        examples=[{"ops.audit_log": 2}],
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


class ErasurePreview(BaseModel):
    """What an erasure would do now."""

    dry_run: Literal[True] = Field(True, description="Nothing was changed.", examples=[True])
    ids: list[str] = Field(
        description="All ids that stand for the person.", examples=[["anon-41b7", "ann-7f3a91c2"]]
    )
    claimed: list[Claimed] = Field(description="What browsers claim of the person, and would stay.")
    removed: dict[str, int] = Field(
        description="Rows that would be deleted, by table.", examples=[{"raw.events": 41}]
    )
    pseudonymised: dict[str, int] = Field(
        description="Rows that would get a pseudonym in place of the id, by table.",
        examples=[{"marts.visitors": 1}],
    )
    remaining: dict[str, int] = Field(
        description="Rows that cannot be changed, by table.", examples=[{"ops.audit_log": 2}]
    )
    exports: int = Field(description="Exports that would be removed.", examples=[1])
    warehouse_days: int = Field(
        description="Days of the warehouse whose files would be written again.", examples=[1]
    )
    days: list[datetime.date] = Field(
        description="UTC days of what would be removed.", examples=[["2015-05-17"]]
    )
    rebuilt_days: list[datetime.date] = Field(
        description="Those that would be built again.", examples=[["2015-05-17"]]
    )
    totals_before: DayTotals | None = Field(description="Numbers of these days as they are.")
    totals_after: DayTotals | None = Field(description="Numbers of these days without the person.")


def erasure_preview(preview: Preview) -> ErasurePreview:
    """What would go as it is answered."""
    return ErasurePreview.model_validate(asdict(preview))


def erasure(certificate: Certificate) -> Erasure:
    """A certificate as it is answered."""
    rebuild = {
        "state": certificate.state,
        "days": certificate.rebuilt_days,
        "waiting_days": certificate.waiting_days,
    }
    return Erasure.model_validate({**asdict(certificate), "rebuild": rebuild})
