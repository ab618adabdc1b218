"""The Segment tracking API and what its and RudderStack's browser libraries ask before they send.

Their libraries drop what is answered with 4xx and try again after 5xx, so every call that can be
read is answered with 200: an event that is refused is kept and can be replayed.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from eventmill.core.errors import FieldError, InvalidFields, PayloadTooLarge
from ingest_api.body import parse_json, read_body
from ingest_api.events import Receipt
from ingest_api.headers import header, own_address
from ingest_api.reception import earliest_accepted, receive
from ingest_api.routes.events import MAX_EVENTS
from ingest_api.segment import CALLS, Call, read_call
from ingest_api.segment_openapi import POST_BATCH, POST_CALL, SETTINGS, SOURCE_CONFIG
from ingest_api.senders import Sender, Senders

SUCCESS = orjson.dumps({"success": True})

router = APIRouter(tags=["segment"])


@router.post("/v1/batch", **POST_BATCH)
@router.post("/v1/b", include_in_schema=False)
async def post_batch(request: Request) -> Response:
    return await _receive(request, "")


def _post_call(kind: str) -> Any:
    async def post_call(request: Request) -> Response:
        return await _receive(request, kind)

    return post_call


for _kind in CALLS:
    _endpoint = _post_call(_kind)
    _described = POST_CALL | {"operation_id": f"post_{_kind}"}
    router.add_api_route(f"/v1/{_kind}", _endpoint, methods=["POST"], **_described)
    # analytics-next names a call by its first letter.
    router.add_api_route(f"/v1/{_kind[0]}", _endpoint, methods=["POST"], include_in_schema=False)


@router.get("/v1/projects/{write_key}/settings", **SETTINGS)
async def get_settings(request: Request, write_key: str) -> Response:
    """What analytics-next asks first: that events go to this server, and to nobody else."""
    await request.app.state.senders.identify(request, write_key)
    segment_io = {
        "apiKey": write_key,
        "apiHost": f"{request.url.netloc}/v1",
        "protocol": request.url.scheme,
        "addBundledMetadata": True,
        "unbundledIntegrations": [],
    }
    return _json(
        {
            "integrations": {"Segment.io": segment_io},
            "plan": {},
            "metrics": {"sampleRate": 0},
            "enabledMiddleware": {},
            "remotePlugins": [],
        }
    )


@router.get("/sourceConfig/", **SOURCE_CONFIG)
@router.get("/sourceConfig", include_in_schema=False)
async def get_source_config(request: Request) -> Response:
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
    return _json({"source": source})


async def _receive(request: Request, kind: str) -> Response:
    body = await read_body(request)
    started = time.perf_counter()
    value, has_odd_values = parse_json(body)
    messages, sent_at, write_key = _read_body(value, kind)
    senders: Senders = request.app.state.senders
    sender = await senders.identify(request, write_key)
    user_agent = header(request, b"user-agent")
    # What a server or an app calls itself says nothing of the visitor it speaks of.
    is_browser = user_agent.startswith("Mozilla/")
    receipt = Receipt(
        received_at=datetime.now(UTC),
        earliest=earliest_accepted(),
        user_agent=user_agent if is_browser else "",
        referrer=header(request, b"referer") if is_browser else "",
        has_odd_values=has_odd_values,
    )
    calls = [
        read_call(message, kind, sender, sent_at, receipt.received_text) for message in messages
    ]
    received = await receive(
        request,
        sender,
        [call.event for call in calls if call.event is not None],
        receipt,
        route=f"/v1/{kind or 'batch'}",
        addresses=_addresses(request, sender, calls),
        links=[call.link for call in calls if call.link is not None],
    )
    request.app.state.metrics.requests.observe(time.perf_counter() - started)
    return Response(SUCCESS, 200, received.headers, media_type="application/json")


def _read_body(value: Any, kind: str) -> tuple[list[Any], object, str | None]:
    """The messages of a parsed body, when it was sent, and the write key if it holds one.

    Raises InvalidFields that names what is wrong, PayloadTooLarge for too many messages.
    """
    if not isinstance(value, dict):
        raise InvalidFields([FieldError("body", "must be an object")])
    messages = [value] if kind else value.get("batch")
    if not isinstance(messages, list):
        raise InvalidFields([FieldError("batch", "must be a list of calls")])
    if len(messages) > MAX_EVENTS:
        raise PayloadTooLarge(f"a batch may have at most {MAX_EVENTS:,} calls")
    write_key = value.get("writeKey")
    return messages, value.get("sentAt"), write_key if isinstance(write_key, str) else None


def _addresses(request: Request, sender: Sender, calls: Iterable[Call]) -> list[str]:
    """Where the visitor of each event was. A server's own address is not its visitor's."""
    own = "" if sender.kind == "secret" else own_address(request)
    return [call.address or own for call in calls if call.event is not None]


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
