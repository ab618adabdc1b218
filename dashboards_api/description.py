"""What the OpenAPI description has besides the routes. Clients are generated from it."""

from typing import Any

from fastapi import FastAPI

from dashboards_api.glossary import GLOSSARY
from dashboards_api.problems import PROBLEMS
from eventmill.http.guard import guarded

ABOUT = """\
Read what Eventmill counted. Send a token: `Authorization: Bearer <token>`; `eventmill token` makes
one to try with.

Ranges are inclusive UTC days. Days up to `meta.built_through` were built from events that had
arrived by then; today and days not built yet are counted when you ask. Errors are
`application/problem+json`.
"""

TAGS = [
    {"name": "assets", "description": "The numbers of one IP asset."},
    {"name": "creators", "description": "A creator's portfolio."},
    {"name": "brands", "description": "A brand's projects and campaigns."},
    {"name": "platform", "description": "The numbers of everything, for admins."},
    {"name": "entities", "description": "The events behind the numbers."},
    {"name": "query", "description": "Questions of one's own, over metrics and dimensions."},
    {"name": "reports", "description": "Questions that are kept."},
    {"name": "exports", "description": "Files of events, for admins."},
    {"name": "people", "description": "What is held on a person, and its erasure; for admins."},
    {"name": "operation", "description": "For whoever runs the service; no token is needed."},
]
MAX_BODY_BYTES = 256 * 1024
# What stands before every call may answer these.
ALWAYS, WITH_BODY = guarded(PROBLEMS, MAX_BODY_BYTES)


def install(app: FastAPI) -> None:
    """Complete what the framework generates of `app`."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    PROBLEMS.describe(document)
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
                _explain(parameter["name"], parameter["schema"])
                if description := parameter["schema"].get("description"):
                    parameter.setdefault("description", description)
            common = ALWAYS | (WITH_BODY if "requestBody" in operation else {})
            for status, response in common.items():
                operation["responses"].setdefault(str(status), response)
    for schema in document["components"]["schemas"].values():
        for name, property_ in schema.get("properties", {}).items():
            _explain(name, property_)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is no parameter that may be null: a URL has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _explain(name: str, schema: dict[str, Any]) -> None:
    """Describe a name that everybody uses, where it is not described."""
    if name not in GLOSSARY:
        return
    description, example = GLOSSARY[name]
    if "$ref" not in schema:
        schema.setdefault("description", description)
        if example is not None and _is_plain(schema) and "example" not in schema:
            schema.setdefault("examples", [example])


def _is_plain(schema: dict[str, Any]) -> bool:
    """Whether its values are texts or numbers, or none at all."""
    kinds = schema.get("anyOf", [schema])
    return all(kind.get("type") in ("string", "integer", "null") for kind in kinds)
