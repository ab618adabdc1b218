"""The OpenAPI description is complete, for whoever reads it and for generated clients."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards_api.app import create_app

# Whoever runs the service asks these, without a token.
OPEN = {"/healthz", "/readyz", "/metrics"}
# A link that is its own permission.
SIGNED = {"/v1/exports/{export_id}/download"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
# Their values are all that there is to show.
CLOSED = ("enum", "const")


@pytest.fixture(scope="module")
def document(home: object) -> dict[str, Any]:
    return create_app().openapi()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each operation with what it is called in a message."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_is(
    document: dict[str, Any], operations: list[tuple[str, dict[str, Any]]]
) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for name, operation in operations:
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert set(operation["tags"]) <= tags, name


def test_every_operation_has_a_readable_name_of_its_own(
    operations: list[tuple[str, dict[str, Any]]],
) -> None:
    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(names), sorted(names)
    for name in names:
        assert re.fullmatch("[a-z]+(_[a-z]+){0,4}", name), name


def test_every_operation_says_who_may_call_it(
    operations: list[tuple[str, dict[str, Any]]],
) -> None:
    for name, operation in operations:
        path = name.split(" ")[1]
        scheme = "signed_url" if path in SIGNED else "bearer"
        security = [] if path in OPEN else [{scheme: []}]
        assert operation.get("security", []) == security, name
        assert ("401" in operation["responses"]) == (security == [{"bearer": []}]), name


def test_every_error_is_described_as_the_problem_that_is_answered(
    operations: list[tuple[str, dict[str, Any]]],
) -> None:
    for name, operation in operations:
        for status, response in operation["responses"].items():
            where = f"{name}: {status}"
            assert response["description"], where
            if int(status) < 400:
                continue
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json", where
            assert content["schema"] == PROBLEM, where
            assert content["example"]["status"] == int(status), where
            assert content["example"]["detail"], where


def test_every_answer_has_a_schema(operations: list[tuple[str, dict[str, Any]]]) -> None:
    for name, operation in operations:
        good = {s: r for s, r in operation["responses"].items() if int(s) < 300}
        assert good, name
        for status, response in good.items():
            if status == "204":
                assert "content" not in response, name
                continue
            for media_type, content in response["content"].items():
                assert content.get("schema"), (name, status, media_type)


def test_every_parameter_is_described_with_an_example(
    document: dict[str, Any], operations: list[tuple[str, dict[str, Any]]]
) -> None:
    wanting = []
    for name, operation in operations:
        for parameter in operation.get("parameters", ()):
            schema = {**parameter["schema"], **parameter}
            if not parameter.get("description") or not _is_shown(document, schema):
                wanting.append(f"{name}: {parameter['name']}")
            assert {"type": "null"} not in schema.get("anyOf", ()), (name, parameter["name"])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if not _is_shown(document, {**content["schema"], **content}):
                wanting.append(f"{name}: body")
    assert not wanting, "\n".join(wanting)


def test_every_schema_and_property_is_described_with_an_example(document: dict[str, Any]) -> None:
    wanting = []
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("description"):
            wanting.append(name)
        for field, property_ in schema.get("properties", {}).items():
            if not _is_described(document, property_) or not _is_shown(document, property_):
                wanting.append(f"{name}.{field}")
    assert not wanting, "\n".join(wanting)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) == schemas


def _is_described(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    return bool(schema.get("description") or any(_described(document, schema)))


def _described(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Descriptions of what a property that is only a reference leads to."""
    for kind in _kinds(document, schema):
        yield from filter(None, [kind.get("description")])


def _is_shown(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether an example is there, or all values are, or all that it is made of is shown."""
    if any(key in schema for key in ("example", "examples", *CLOSED)):
        return True
    if schema.get("type") == "boolean":
        return True
    kinds = _kinds(document, schema)
    return bool(kinds) and all(
        kind.get("properties") or kind.get("type") == "null" or _is_shown(document, kind)
        for kind in kinds
    )


def _kinds(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a schema refers to: by `$ref`, as one of several, or as the items of an array."""
    if reference := schema.get("$ref"):
        found: dict[str, Any] = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
        return [found]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return [inner for kind in schema[key] for inner in (_kinds(document, kind) or [kind])]
    return _kinds(document, schema["items"]) or [schema["items"]] if "items" in schema else []


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in _references(value)]
    return [r for value in node for r in _references(value)] if isinstance(node, list) else []
