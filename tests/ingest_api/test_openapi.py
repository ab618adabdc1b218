"""The OpenAPI page tells the truth."""

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from eventmill.core.registry import FIELDS
from eventmill.core.tracking_plan import tracking_plan
from ingest_api.app import create_app
from ingest_api.openapi import EXAMPLES
from tests.ingest_api.support import event, send

DOCUMENT = create_app().openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]


def validate(value: Any, name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema_rs.validate(schema, value)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_accepted(shared_api: httpx.Client, name: str) -> None:
    example = EXAMPLES[name]["value"]
    validate(example, "EventList" if "events" in example else "Envelope")
    answer = shared_api.post("/v1/events", json=example).json()
    assert answer["accepted"] == len(example.get("events", [example]))


def test_answers_and_problems_are_as_described(shared_api: httpx.Client) -> None:
    mixed = send(shared_api, event(), event(event_type="nope", extra=1))
    validate(mixed, "Answer")
    for body in (b"{", b'{"events": 5}'):
        validate(shared_api.post("/v1/events", content=body).json(), "Problem")


def test_every_field_and_every_event_type_is_documented() -> None:
    envelope = SCHEMAS["Envelope"]
    assert envelope["properties"].keys() == FIELDS
    assert set(envelope["properties"]["event_type"]["enum"]) == set(tracking_plan().event_types)


def test_every_route_is_documented(shared_api: httpx.Client) -> None:
    assert set(DOCUMENT["paths"]) >= {"/v1/events", "/v1/batch", "/healthz", "/readyz", "/metrics"}
    assert all(
        operation["summary"] and operation["responses"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    )
    assert shared_api.get("/docs").status_code == 200
    assert shared_api.get("/openapi.json").json() == DOCUMENT


def test_metrics_count_events(shared_api: httpx.Client) -> None:
    send(shared_api, event())
    text = shared_api.get("/metrics").text
    assert re.search(r'eventmill_ingest_events_total\{[^}]*status="accepted"[^}]*\} [1-9]', text)
    assert "eventmill_ingest_commit_seconds_count" in text
