"""The form in which rejected events are stored, so that they can be replayed."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from eventmill.core.credentials import without_credentials
from eventmill.core.errors import FieldError
from eventmill.core.plain_json import printable
from eventmill.core.registry import CONTEXT_FIELDS, FIELDS, MAX_URL_CHARACTERS, EventRow
from ingest_api.arrival import Arrival, Whereabouts
from ingest_api.batch import RejectedRow
from ingest_api.campaign import UTM_FIELDS
from ingest_api.events import short_user_agent
from ingest_api.privacy import scrub_json
from ingest_api.senders import Sender

SPOOL_ROUTE = "spool"
"""Of events that were accepted into the spool and that the database then did not take."""


def rejected_row(
    event: object, event_id: str, found: Whereabouts, errors: Sequence[FieldError], arrival: Arrival
) -> RejectedRow:
    """`event` is any JSON value, as sent; personal data in URLs and addresses are taken out.

    The request's headers are kept with each of its events, so no more of them than an accepted
    event has: a request of 3 kB with 60 kB of headers would else fill 60 MB.
    """
    context = {
        "user_agent": without_credentials(short_user_agent(arrival.user_agent)),
        "referrer": scrub_json(arrival.referrer[:MAX_URL_CHARACTERS]),
        **found._asdict(),
        "sent_at": arrival.sent_at,
    }
    return RejectedRow(
        event_id,
        arrival.received_text,
        arrival.sender.key_id or "",
        _json(sender_as_dict(arrival.sender)),
        arrival.route,
        _any_json(scrub_json(event)),
        _json({name: printable(text) for name, text in context.items() if text}),
        _json([{"field": _said(e.field), "message": _said(e.message)} for e in errors]),
    )


def row_as_rejected(row: EventRow, reason: str) -> RejectedRow:
    """An accepted row that the database does not take when it comes out of the spool.

    Its sender has the answer already: from now on it is an operator's matter.
    """
    return RejectedRow(
        row.event_id,
        row.received_at,
        "",
        _json({"kind": "secret", "trust": int(row.trust)}),
        SPOOL_ROUTE,
        _json(row_as_event(row)),
        _json({"visitor_id": row.visitor_id, "country": row.country}),
        _json([{"field": "event", "message": f"cannot be stored: {printable(reason)}"}]),
    )


def row_as_event(row: EventRow) -> dict[str, Any]:
    """The event that reads as `row`."""
    fields = {name: value for name, value in row._asdict().items() if value}
    context: dict[str, Any] = {name: fields[name] for name in CONTEXT_FIELDS & fields.keys()}
    if utm := {name: fields[f"utm_{name}"] for name in UTM_FIELDS if f"utm_{name}" in fields}:
        context["utm"] = utm
    event = {name: value for name, value in fields.items() if name in FIELDS}
    return {**event, "props": orjson.loads(row.props_json), "context": context}


def sender_as_dict(sender: Sender) -> dict[str, Any]:
    """Who sent, without the key itself."""
    found: dict[str, Any] = {"kind": sender.kind, "key_id": sender.key_id}
    found["trust"] = sender.first_trust
    if sender.caller is not None:
        caller = sender.caller
        found["caller"] = {"sub": caller.sub, "role": caller.role, "brand_id": caller.brand_id}
    return {name: value for name, value in found.items() if value is not None}


def _said(text: str) -> str:
    """What an error says of the event, which it may quote."""
    return without_credentials(printable(text))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _any_json(value: Any) -> str:
    """Of values that the fast encoder refuses (half a surrogate pair, NaN) the ASCII escapes."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))
