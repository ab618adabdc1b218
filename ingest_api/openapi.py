"""The OpenAPI description of requests whose bodies are read raw."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from eventmill.core.tracking_plan import tracking_plan
from ingest_api.schemas import Answer, Batch, Problem, problem

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
REFERENCE = "#/components/schemas/{model}"

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

POST_EVENTS: dict[str, Any] = {
    "tags": ["events"],
    "summary": "Send one event, or up to 1,000",
    "operation_id": "post_events",
    "description": (
        "The body is JSON whatever the content type says. Events are judged one by one: what is"
        " wrong with one does not touch the others. An event whose `event_id` was stored before is"
        " a `duplicate`, so a request may be repeated. Fields that the envelope does not know are"
        " ignored, with a warning. Authenticate with a write key in `X-Write-Key` or as the user"
        " name of HTTP Basic, or with a user's token as a bearer token; or with `write_key` and"
        " `user_token` beside `events`. With `DNT: 1` or `Sec-GPC: 1` every event is `dropped`."
    ),
    "responses": {
        200: {"model": Answer, "description": "Every accepted event is stored durably."},
        400: problem("The body is not JSON."),
        401: problem("No credentials, an unknown or revoked key, or a bad token."),
        403: {
            "description": (
                "The sender may send none of these events: a problem, with an Answer. Or the page"
                " may not send: a problem."
            ),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "anyOf": [
                            {
                                "allOf": [
                                    {"$ref": REFERENCE.format(model="Problem")},
                                    {"$ref": REFERENCE.format(model="Answer")},
                                ]
                            },
                            {"$ref": REFERENCE.format(model="Problem")},
                        ]
                    }
                }
            },
        },
        408: problem("The body did not arrive within ten seconds."),
        413: problem("More than 1 MB, or more than 1,000 events."),
        422: {
            "description": "Every event was rejected (then as 200), or the request has no events.",
            "content": {
                "application/json": {"schema": {"$ref": REFERENCE.format(model="Answer")}},
                "application/problem+json": {"schema": {"$ref": REFERENCE.format(model="Problem")}},
            },
        },
        429: problem("Too many events.", Retry_After="Seconds to wait."),
        503: problem("Nowhere durable to write.", Retry_After="Seconds to wait."),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "anyOf": [
                            {"$ref": REFERENCE.format(model="Envelope")},
                            {"$ref": REFERENCE.format(model="Batch")},
                        ]
                    },
                    "examples": EXAMPLES,
                }
            },
        }
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI document, made once for each tracking plan."""
    plan = tracking_plan()
    if getattr(app.state, "described_plan", None) is not plan or app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        document["components"]["schemas"] |= _schemas()
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        for operations in document["paths"].values():
            if "post" in operations:
                operations["post"]["security"] = [{name: []} for name in SECURITY_SCHEMES]
        app.openapi_schema, app.state.described_plan = document, plan
    return app.openapi_schema


def _schemas() -> dict[str, Any]:
    batch = TypeAdapter(Batch).json_schema(ref_template=REFERENCE)
    schemas: dict[str, Any] = batch.pop("$defs")
    _, answers = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE)
    batch["properties"]["sent_at"] = schemas["Envelope"]["properties"]["sent_at"]
    schemas["Envelope"]["required"] = ["event_type"]
    schemas["Envelope"]["properties"]["event_type"] = {
        "type": "string",
        "enum": list(tracking_plan().event_types),
        "description": "A type of the tracking plan.",
    }
    return {"Batch": batch, **schemas, **answers["$defs"]}
