"""POST /v1/events: one event, or a list of them."""

import itertools
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from eventmill.envelope import OLDEST, parse_time, utc_text
from eventmill.errors import FieldError, InvalidFields, PayloadTooLarge
from eventmill.events import Receipt
from eventmill.settings import get_settings
from ingest_api.body import parse_json, read_body
from ingest_api.openapi import POST_EVENTS
from ingest_api.service import STATUSES, IngestService, Result

MAX_EVENTS = 1_000

router = APIRouter()


@router.post("/v1/events", **POST_EVENTS)
async def post_events(request: Request) -> Response:
    body = await read_body(request)
    started = time.perf_counter()
    value, has_odd_values = parse_json(body)
    events, sent_at = read_request(value)
    receipt = Receipt(
        received_at=datetime.now(UTC),
        earliest=earliest_accepted(),
        sent_at=sent_at,
        user_agent=header(request, b"user-agent"),
        referrer=header(request, b"referer"),
        has_odd_values=has_odd_values,
    )
    address = request.client.host if request.client else ""
    service: IngestService = request.app.state.service
    results = await service.ingest(events, receipt, itertools.repeat(address))
    response = answer(results)
    request.app.state.metrics.requests.observe(time.perf_counter() - started)
    return response


def read_request(value: Any) -> tuple[list[object], str]:
    """The events of a parsed body, and `sent_at` as UTC text ("" if it has none).

    Raises InvalidFields that names what is wrong, PayloadTooLarge for too many events.
    """
    if not isinstance(value, dict):
        raise _invalid("body", 'must be an event object, or {"events": [...]}')
    if "events" not in value:
        return [value], ""
    events = value["events"]
    if not isinstance(events, list):
        raise _invalid("events", "must be a list of event objects")
    if len(events) > MAX_EVENTS:
        raise PayloadTooLarge(
            f"a request may have at most {MAX_EVENTS:,} events, not {len(events):,}"
        )
    sent_at = value.get("sent_at")
    if sent_at is None:
        return events, ""
    if not isinstance(sent_at, str):
        raise _invalid("sent_at", "must be a string")
    try:
        return events, utc_text(parse_time(sent_at))
    except (ValueError, OverflowError) as error:
        raise _invalid("sent_at", str(error)) from None


def answer(results: list[Result]) -> Response:
    """200 with what became of each event; 422 if every one of them was rejected."""
    found = Counter(result.status for result in results)
    counts: dict[str, Any] = {status: found[status] for status in STATUSES}
    body = {**counts, "results": [result.as_dict() for result in results]}
    status = 422 if results and counts["rejected"] == len(results) else 200
    return Response(orjson.dumps(body), status, media_type="application/json")


def earliest_accepted() -> datetime:
    """The oldest `occurred_at` that the API takes now."""
    days = get_settings().accepted_past_days
    return OLDEST if days is None else datetime.now(UTC) - timedelta(days=days)


def header(request: Request, name: bytes) -> str:
    """A header as text. Most senders that use other than ASCII mean UTF-8."""
    key: bytes
    value: bytes
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode(errors="replace").replace("\0", "")
    return ""


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(field, message)])
