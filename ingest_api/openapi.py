"""The OpenAPI description of requests whose bodies are read raw."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from eventmill.core.errors import (
    FieldError,
    Forbidden,
    InvalidFields,
    PayloadTooLarge,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from eventmill.core.tracking_plan import tracking_plan
from eventmill.http.guard import guarded
from eventmill.http.problems import MEDIA_TYPE, REFERENCE, Problems, Responses
from ingest_api.body import MAX_BODY_BYTES
from ingest_api.schemas import Answer, Call, CallBatch, EventList, Problem


class SegmentProblems(Problems):
    """Problems that also say `code` and `message`, in the words of the Segment API.

    Without them rudder-sdk-python cannot read the answer and sends eleven times what it should give
    up at once.
    """

    model = Problem

    def document(self, problem: dict[str, Any]) -> dict[str, Any]:
        return {**problem, "code": str(problem["status"]), "message": problem["detail"]}


PROBLEMS = SegmentProblems()

SECURITY_SCHEMES: dict[str, Any] = {
    "write_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Write-Key",
        "description": "A key that `eventmill keys create` made.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "The write key as user name."},
    "user_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A user's token. The actor is taken from it.",
    },
}

EXAMPLES: dict[str, Any] = {
    "one": {
        "summary": "One event",
        "value": {
            "event_type": "asset_viewed",
            "ip_asset_id": "asset-42",
            "anonymous_id": "visitor-7",
            "context": {"page_url": "https://market.example/assets/42?utm_source=newsletter"},
        },
    },
    "batch": {
        "summary": "A list of events",
        "value": {
            "events": [
                {
                    "event_id": "order-1001-license",
                    "event_type": "license_created",
                    "actor_type": "brand",
                    "actor_id": "brand-3",
                    "license_id": "license-1001",
                    "ip_asset_id": "asset-42",
                    "props": {"revenue_cents": 129900, "currency": "EUR"},
                },
                {"event_type": "page_viewed", "anonymous_id": "visitor-7"},
            ]
        },
    },
}


def _reference(*models: type) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        {"$ref": REFERENCE.format(model=model.__name__)} for model in models
    ]
    return found[0] if len(found) == 1 else {"anyOf": found}


def body(*models: type, **more: Any) -> dict[str, Any]:
    """`openapi_extra` of a call whose body is one of `models`, and is read raw."""
    content = {"application/json": {"schema": _reference(*models), **more}}
    security: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]
    return {"requestBody": {"required": True, "content": content}, "security": security}


ALWAYS, WITH_BODY = guarded(PROBLEMS, MAX_BODY_BYTES)
IDENTIFYING = ALWAYS | PROBLEMS.described(
    Unauthorized("the write key is unknown or was revoked"),
    Unavailable("the database is away and the write key is not among the known ones"),
)
TAKING = (
    IDENTIFYING
    | WITH_BODY
    | PROBLEMS.described(
        PayloadTooLarge("a request may have at most 1,000 events, not 1,001"),
        InvalidFields([FieldError("batch", "must be a list of objects")]),
        RateLimited("one sender may send 600 events a minute, and …: wait", 60, {}),
        Unavailable("nowhere durable to write now; send the events again"),
    )
)
_FORBIDDEN = PROBLEMS.described(
    Forbidden("this sender may not send any of these events; `results` says why")
)
_FORBIDDEN[403]["content"][MEDIA_TYPE]["schema"] = {
    "anyOf": [{"allOf": [_reference(Problem), _reference(Answer)]}, _reference(Problem)]
}

JUDGING: Responses = {
    **TAKING,
    **_FORBIDDEN,
    422: {
        "description": "Every event was rejected (then as 200), or the request has no events.",
        "content": {"application/json": {"schema": _reference(Answer)}, **TAKING[422]["content"]},
    },
}
"""What a call with plain events may answer besides 200; `TAKING` with Segment's calls."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI document, made once for each tracking plan."""
    plan = tracking_plan()
    if getattr(app.state, "described_plan", None) is not plan or app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        document["components"]["schemas"] |= _requests()
        PROBLEMS.describe(document)
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        app.openapi_schema, app.state.described_plan = document, plan
    return app.openapi_schema


def _requests() -> dict[str, Any]:
    """The schemas of what is sent."""
    inputs = [(model, "validation", TypeAdapter(model)) for model in (EventList, Call, CallBatch)]
    _, found = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE)  # type: ignore[arg-type]
    schemas: dict[str, Any] = found["$defs"]
    envelope = schemas["Envelope"]
    schemas["EventList"]["properties"]["sent_at"] = envelope["properties"]["sent_at"]
    envelope["required"] = ["event_type"]
    envelope["properties"]["event_type"] = {
        "type": "string",
        "enum": list(tracking_plan().event_types),
        "description": "A type of the tracking plan.",
    }
    return schemas
