"""What the OpenAPI description, which clients are generated from, says beyond the routes."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

ABOUT = """\
Read what Eventmill counted. Send a token: `Authorization: Bearer <token>`; `eventmill token` makes
one to try with.

Ranges are inclusive UTC days. Days up to `meta.built_through` were built from events that had
arrived by then; today and days not built yet are counted when you ask. Errors are
`application/problem+json`.
"""

TAGS = [
    {"name": "assets", "description": "The numbers of one IP asset."},
    {"name": "platform", "description": "The numbers of everything, for admins."},
    {"name": "operation", "description": "For whoever runs the service; no token is needed."},
]


def operation_id(route: APIRoute) -> str:
    """The function's name: it is the name of the operation in generated clients, so it is kept."""
    return route.name


def install(app: FastAPI) -> None:
    app.openapi = _with_plain_parameters(app.openapi)  # type: ignore[method-assign]


def _with_plain_parameters(generate: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """A parameter that may be left out is no parameter that may be null: a URL has no null."""

    def openapi() -> dict[str, Any]:
        document = generate()
        for path in document["paths"].values():
            for operation in path.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_null(parameter["schema"])
        return document

    return openapi


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{name: value for name, value in schema.items() if name != "anyOf"}}
