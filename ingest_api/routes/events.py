"""POST /v1/events: one event, or a list of them."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from eventmill.core.errors import Forbidden
from eventmill.core.registry import Envelope, parse_time, utc_text
from ingest_api.arrival import arrive
from ingest_api.body import invalid, listed, parse_json, read_body
from ingest_api.events import STATUSES, Result
from ingest_api.headers import header
from ingest_api.long_requests import apart, is_long
from ingest_api.openapi import EXAMPLES, JUDGING, PROBLEMS, body
from ingest_api.schemas import Answer, EventList

ROUTE = "/v1/events"
MAY_HOLD_CREDENTIALS = re.compile(rb'"(?:write_key|user_token)"')

router = APIRouter()


@router.post(
    ROUTE,
    tags=["events"],
    summary="Send one event, or up to 1,000",
    response_model=Answer,
    response_description="Every accepted event is stored durably.",
    responses=JUDGING,
    openapi_extra=body(Envelope, EventList, examples=EXAMPLES),
)
async def post_events(request: Request) -> Response:
    """The body is JSON whatever the content type says.

    Events are judged one by one: what is wrong with one does not touch the others. An event whose
    `event_id` was stored before is a `duplicate`, so a request may be repeated. Fields that the
    envelope does not know are ignored, with a warning.

    Authenticate with a write key in `X-Write-Key` or as the user name of HTTP Basic, or with a
    user's token as a bearer token; or with `write_key` and `user_token` beside `events`. With
    `DNT: 1` or `Sec-GPC: 1` every event is `dropped`.
    """
    raw = await read_body(request)
    started = time.perf_counter()
    state = request.app.state
    # A stranger's body is not worth parsing, unless it may say who the stranger is.
    credentials: tuple[str | None, str | None] = (None, None)
    if MAY_HOLD_CREDENTIALS.search(raw):
        value, has_odd_values = await apart(is_long(len(raw), 0), parse_json, raw)
        credentials = read_credentials(value)
        sender = await state.senders.identify(request, *credentials)
    else:
        sender = await state.senders.identify(request)
        value, has_odd_values = await apart(is_long(len(raw), 0), parse_json, raw)
    events, sent_at = read_request(value)
    arrival = arrive(request, sender, ROUTE, has_odd_values=has_odd_values)
    arrival.sent_at = sent_at
    arrival.is_long = is_long(len(raw), len(events))
    arrival.user_agent = header(request, b"user-agent")
    if not any(credentials):  # a page's script comes from the page, its visitor from elsewhere
        arrival.referrer = header(request, b"referer")
    headers = state.limits.take(arrival, len(raw), events)
    results = await state.service.ingest(arrival, events)
    response = await apart(arrival.is_long, answer, results, headers)
    state.metrics.requests.observe(time.perf_counter() - started)
    return response


async def post_events_directly(scope: Scope, receive: Receive, send: Send) -> None:
    """`post_events` as an ASGI application of its own."""
    # What FastAPI's routing would have noted, for the log.
    scope["route"] = router.routes[0]
    response = await post_events(Request(scope, receive))
    await response(scope, receive, send)


def read_request(value: Any) -> tuple[list[object], str]:
    """The events of a parsed body, and `sent_at` as UTC text ("" if it has none).

    Raises InvalidFields that names what is wrong, PayloadTooLarge for too many events.
    """
    if not isinstance(value, dict):
        raise invalid("body", 'must be an event object, or {"events": [...]}')
    if "events" not in value:
        return [value], ""
    events = listed(value, "events")
    sent_at = value.get("sent_at")
    if sent_at is None:
        return events, ""
    if not isinstance(sent_at, str):
        raise invalid("sent_at", "must be a string")
    try:
        return events, utc_text(parse_time(sent_at))
    except (ValueError, OverflowError) as error:
        raise invalid("sent_at", str(error)) from None


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
            raise invalid(name, "must be a string")
    return write_key, token


def answer(results: Sequence[Result], headers: Mapping[str, str]) -> Response:
    """What became of each event: 403 if the sender may send none of them, 422 if all are wrong."""
    found = Counter([result.status for result in results])
    counts: dict[str, Any] = {status: found[status] for status in STATUSES}
    counts["results"] = [result.as_dict() for result in results]
    if results and all(result.is_forbidden for result in results):
        error = Forbidden("this sender may not send any of these events; `results` says why")
        return PROBLEMS.response(error, headers, **counts)
    status = 422 if results and found["rejected"] == len(results) else 200
    return Response(orjson.dumps(counts), status, headers, media_type="application/json")
