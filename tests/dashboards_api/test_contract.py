"""The OpenAPI page can be trusted: every call described, guarded and shown with examples."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from dashboards_api.ranges import RangeParameters
from eventmill.core.settings import PROJECT_ROOT
from tests.dashboards_api.conftest import Get

OPEN = {"/healthz", "/readyz", "/metrics"}
# Reached with a link that is its own permission.
SIGNED = {"/v1/exports/{export_id}/download"}
# Everybody may call them and is answered from rows of their own.
OWN_ROWS_ONLY = {"/v1/query", "/v1/query/schema", "/v1/reports"}


@pytest.fixture(scope="module")
def document(home: object) -> dict[str, Any]:
    return create_app().openapi()


def test_every_call_needs_a_token_and_describes_its_errors(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            if path in OPEN:
                continue
            answers = operation["responses"].keys()
            if path in SIGNED:
                assert operation["security"] == [{"signed_url": []}], path
            else:
                assert operation["security"] == [{"bearer": []}], path
                assert "401" in answers, path
            assert "503" in answers, path
            assert len(answers & {"200", "201", "202", "204"}) == 1, path
            if operation.keys() & {"parameters", "requestBody"}:
                assert "422" in answers, path
            if path not in OWN_ROWS_ONLY:
                assert answers & {"403", "404"}, path
            for status, response in operation["responses"].items():
                if not status.startswith(("2", "3")):
                    [(media_type, content)] = response["content"].items()
                    assert media_type == "application/problem+json"
                    assert content["example"]["status"] == int(status)


def test_every_reference_leads_somewhere_and_every_field_is_described(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    assert set(_references(document)) <= {f"#/components/schemas/{name}" for name in schemas}
    for name in ("Metrics", "Point", "ChannelMetrics", "Growth", "Meta", "AnsweredRange"):
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description") or field == "interval", (name, field)
            assert schema.get("examples"), (name, field)
    assert next(iter(schemas["Point"]["properties"])) == "date"


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in _references(value)]
    return [r for value in node for r in _references(value)] if isinstance(node, list) else []


def test_the_guide_names_every_call_and_parameter(document: dict[str, Any]) -> None:
    guide = (PROJECT_ROOT / "docs" / "reference" / "api-dashboards.md").read_text()
    for path in document["paths"]:
        assert path in guide or re.sub(r"\{\w+_id\}", "{id}", path) in guide, path
    for parameter in RangeParameters.model_fields:
        assert f"`{parameter}`" in guide, parameter


def test_the_operators_pages_answer(client: TestClient, get: Get) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert client.get("/docs").status_code == 200
    get("/v1/assets/one/metrics")
    get("/v1/assets/two/metrics")
    text = client.get("/metrics").text
    counted = (
        'eventmill_dashboards_requests_total{method="GET",'
        'route="/v1/assets/{asset_id}/metrics",status="404"} 2.0'
    )
    assert counted in text
    assert "eventmill_dashboards_pool_connections" in text
