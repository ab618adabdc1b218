"""The Segment tracking API, and the settings that Segment's and RudderStack's libraries load first.

These libraries drop events that are answered with 4xx and try again after 5xx. So every call that
can be read is answered with 200, and rejected events are kept for a replay.
"""

import time
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from eventmill.core import settings
from ingest_api.arrival import arrive
from ingest_api.body import invalid, listed, parse_json, read_body
from ingest_api.headers import header
from ingest_api.long_requests import apart, is_long
from ingest_api.openapi import IDENTIFYING, TAKING, body
from ingest_api.schemas import Call, CallBatch, Success
from ingest_api.segment import CALLS, read_calls
from ingest_api.senders import Sender

SUCCESS = orjson.dumps({"success": True})
DESCRIBED: dict[str, Any] = {
    "description": (
        "The body is JSON, gzip or not, whatever the headers say. An event that is rejected is kept"
        " for replay, and the answer is still 200: these clients drop what gets a 4xx."
        " docs/how-to/clients.md tells what becomes of a call."
    ),
    "response_model": Success,
    "responses": TAKING,
}

router = APIRouter(tags=["segment"])


@router.post(
    "/v1/batch",
    summary="Calls of the Segment tracking API",
    openapi_extra=body(CallBatch),
    **DESCRIBED,
)
@router.post("/v1/b", include_in_schema=False)
async def post_batch(request: Request) -> Response:
    return await _receive(request, "")


def _add_call(kind: str) -> None:
    async def post_call(request: Request) -> Response:
        return await _receive(request, kind)

    router.add_api_route(
        f"/v1/{kind}",
        post_call,
        methods=["POST"],
        name=f"post_{kind}",
        summary="One call of the Segment tracking API",
        openapi_extra=body(Call),
        **DESCRIBED,
    )
    # analytics-next names a call by its first letter.
    router.add_api_route(f"/v1/{kind[0]}", post_call, methods=["POST"], include_in_schema=False)


for _kind in CALLS:
    _add_call(_kind)


def public_url() -> str | None:
    return settings.get_settings().ingest_url


@router.get(
    "/v1/projects/{write_key}/settings",
    summary="Settings that analytics-next asks for",
    responses=IDENTIFYING,
)
async def get_settings(request: Request, write_key: str) -> dict[str, Any]:
    """What analytics-next asks first: that events go to this server, and to nobody else."""
    await request.app.state.senders.identify(request, write_key)
    protocol, _, host = (public_url() or str(request.base_url)).rstrip("/").partition("://")
    segment_io = {
        "apiKey": write_key,
        "apiHost": f"{host}/v1",
        "protocol": protocol,
        "addBundledMetadata": True,
        "unbundledIntegrations": [],
    }
    return {
        "integrations": {"Segment.io": segment_io},
        "plan": {},
        "metrics": {"sampleRate": 0},
        "enabledMiddleware": {},
        "remotePlugins": [],
    }


@router.get(
    "/sourceConfig/",
    summary="Settings that RudderStack's browser library asks for",
    responses=IDENTIFYING,
)
@router.get("/sourceConfig", include_in_schema=False)
async def get_source_config(request: Request) -> dict[str, Any]:
    """What RudderStack's browser library asks first: a source without destinations."""
    sender: Sender = await request.app.state.senders.identify(request)
    reporting = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    source = {
        "id": sender.key_id or "eventmill",
        "name": "Eventmill",
        "enabled": True,
        "config": {"statsCollection": reporting},
        "destinations": [],
    }
    return {"source": source}


async def _receive(request: Request, kind: str) -> Response:
    """`kind` is the type of the call that the body is; "" if it is a batch of calls."""
    raw = await read_body(request)
    started = time.perf_counter()
    state = request.app.state
    value, has_odd_values = await apart(is_long(len(raw), 0), parse_json, raw)
    if not isinstance(value, dict):
        raise invalid("body", "must be an object")
    messages = [value] if kind else listed(value, "batch")
    write_key = value.get("writeKey")
    sender = await state.senders.identify(
        request, write_key if isinstance(write_key, str) else None
    )
    arrival = arrive(request, sender, f"/v1/{kind or 'batch'}", has_odd_values=has_odd_values)
    user_agent = header(request, b"user-agent")
    # The user agent of a server or an app is not the visitor's; neither is a server's address.
    if user_agent.startswith("Mozilla/"):
        arrival.user_agent, arrival.referrer = user_agent, header(request, b"referer")
    if sender.kind == "secret":
        arrival.address = ""
    arrival.is_long = is_long(len(raw), len(messages))
    calls = await apart(arrival.is_long, read_calls, messages, kind, arrival, value.get("sentAt"))
    sent = [call for call in calls if call.event is not None]
    events = [call.event for call in sent]
    links = [call.link for call in calls if call.link is not None]
    headers = state.limits.take(arrival, len(raw), events, links)
    addresses = [call.address or arrival.address for call in sent]
    await state.service.ingest(arrival, events, links, addresses)
    state.metrics.requests.observe(time.perf_counter() - started)
    return Response(SUCCESS, 200, headers, media_type="application/json")
