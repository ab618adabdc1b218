"""POST /v1/events: one event, or a list of them."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from eventmill.core.errors import (
    EventmillError,
    FieldError,
    Forbidden,
    InvalidFields,
    PayloadTooLarge,
)
from eventmill.core.registry import parse_time, utc_text
from ingest_api.body import parse_json, read_body
from ingest_api.events import Receipt
from ingest_api.headers import header
from ingest_api.openapi import POST_EVENTS
from ingest_api.problems import error_response, problem_response
from ingest_api.reception import earliest_accepted, receive
from ingest_api.senders import Senders
from ingest_api.service import STATUSES, Result

ROUTE = "/v1/events"
MAX_EVENTS = 1_000
MAY_HOLD_CREDENTIALS = re.compile(rb'"(?:write_key|user_token)"')

router = APIRouter()


@router.post(ROUTE, **POST_EVENTS)
async def post_events(request: Request) -> Response:
    body = await read_body(request)
    started = time.perf_counter()
    senders: Senders = request.app.state.senders
    referrer = header(request, b"referer")
    if MAY_HOLD_CREDENTIALS.search(body):
        value, has_odd_values = parse_json(body)
        credentials = read_credentials(value)
        sender = await senders.identify(request, *credentials)
        if any(credentials):  # a page's script: it comes from the page, its visitor from elsewhere
            referrer = ""
    else:  # a stranger's body is not worth parsing
        sender = await senders.identify(request)
        value, has_odd_values = parse_json(body)
    events, sent_at = read_request(value)
    receipt = Receipt(
        received_at=datetime.now(UTC),
        earliest=earliest_accepted(),
        sent_at=sent_at,
        user_agent=header(request, b"user-agent"),
        referrer=referrer,
        has_odd_values=has_odd_values,
    )
    received = await receive(request, sender, events, receipt, route=ROUTE)
    response = answer(request, received.results, received.headers)
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


def read_credentials(value: Any) -> tuple[str | None, str | None]:
    """The write key and the user's token beside `events` in a parsed body; None if not there.

    A browser that leaves a page sends no headers of ours, and asks first before any others.
    Raises InvalidFields that names what is wrong.
    """
    if not isinstance(value, dict) or "events" not in value:
        return None, None
    write_key, token = value.get("write_key"), value.get("user_token")
    for name, given in (("write_key", write_key), ("user_token", token)):
        if given is not None and not isinstance(given, str):
            raise _invalid(name, "must be a string")
    return write_key, token


def answer(request: Request, results: Sequence[Result], headers: Mapping[str, str]) -> Response:
    """What became of each event: 403 if the sender may send none of them, 422 if all are wrong."""
    found = Counter([result.status for result in results])
    body: dict[str, Any] = {status: found[status] for status in STATUSES}
    body["results"] = [result.as_dict() for result in results]
    if results and all(result.refused for result in results):
        error = Forbidden("this sender may not send any of these events; `results` says why")
        return problem_response(request, {**error.problem(), **body}, error.status, headers)
    status = 422 if results and found["rejected"] == len(results) else 200
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def post_events_directly(scope: Scope, receive: Receive, send: Send) -> None:
    """`post_events` as an ASGI application of its own."""
    # What FastAPI's routing would have noted, for the log.
    scope["route"] = router.routes[0]
    request = Request(scope, receive)
    try:
        response = await post_events(request)
    except EventmillError as error:
        response = error_response(request, error)
    await response(scope, receive, send)


def _invalid(field: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(field, message)])
