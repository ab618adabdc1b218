"""The OpenAPI description of the Segment-compatible routes."""

from typing import Any

from pydantic import BaseModel

from ingest_api.schemas import problem

_TIME = {"type": "string", "description": "RFC 3339 with an offset."}
_CALL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messageId": {"type": "string", "maxLength": 200, "description": "The idempotency key."},
        "anonymousId": {"type": "string", "maxLength": 200},
        "userId": {"type": "string", "maxLength": 200},
        "previousId": {"type": "string", "maxLength": 200, "description": "Of `alias`."},
        "event": {
            "type": "string",
            "description": "Of `track`: an event type, or any spelling or alias of one.",
        },
        "properties": {"type": "object"},
        "context": {"type": "object"},
        "timestamp": _TIME,
        "originalTimestamp": _TIME,
        "sentAt": _TIME,
        "writeKey": {"type": "string", "description": "Instead of a header."},
    },
}
_BATCH: dict[str, Any] = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "allOf": [_CALL],
                "properties": {
                    "type": {"enum": ["track", "page", "screen", "identify", "group", "alias"]}
                },
            },
        },
        "sentAt": _TIME,
        "writeKey": {"type": "string"},
    },
}
_RULES = (
    "The body is JSON, gzip or not, whatever the headers say. An event that is refused is kept for"
    " replay, and the answer is still 200: these clients drop what gets a 4xx."
    " docs/how-to/clients.md tells what becomes of a call."
)


class Success(BaseModel):
    """Every event that was not refused is stored durably."""

    success: bool


class Settings(BaseModel):
    """Settings of analytics-next: where to send."""

    integrations: dict[str, Any]


class SourceConfig(BaseModel):
    """Settings of RudderStack's browser library: a source without destinations."""

    source: dict[str, Any]


_UNAUTHORIZED: dict[int | str, dict[str, Any]] = {
    401: problem("No credentials, an unknown or revoked key, or a bad token.")
}
_UNAVAILABLE: dict[int | str, dict[str, Any]] = {
    503: problem("The database is away, and the key is not known yet.", Retry_After="Seconds.")
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Success, "description": "Received."},
    400: problem("The body is not JSON."),
    **_UNAUTHORIZED,
    408: problem("The body did not arrive within ten seconds."),
    413: problem("More than 1 MB, or more than 1,000 calls."),
    422: problem("The body is no call, or no batch of calls."),
    429: problem("Too many events.", Retry_After="Seconds to wait."),
    503: problem("Nowhere durable to write.", Retry_After="Seconds to wait."),
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


POST_CALL: dict[str, Any] = {
    "summary": "One call of the Segment tracking API",
    "description": _RULES,
    "responses": _RESPONSES,
    "openapi_extra": _body(_CALL),
}
POST_BATCH: dict[str, Any] = {
    "summary": "Calls of the Segment tracking API",
    "operation_id": "post_batch",
    "description": _RULES,
    "responses": _RESPONSES,
    "openapi_extra": _body(_BATCH),
}
SETTINGS: dict[str, Any] = {
    "summary": "Settings that analytics-next asks for",
    "operation_id": "get_settings",
    "responses": {
        200: {"model": Settings, "description": "Send here."},
        **_UNAUTHORIZED,
        **_UNAVAILABLE,
    },
}
SOURCE_CONFIG: dict[str, Any] = {
    "summary": "Settings that RudderStack's browser library asks for",
    "operation_id": "get_source_config",
    "responses": {
        200: {"model": SourceConfig, "description": "Send here."},
        **_UNAUTHORIZED,
        **_UNAVAILABLE,
    },
}
