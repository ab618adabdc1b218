"""Every error of this API as `application/problem+json` (RFC 9457), FastAPI's own included."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from dashboards_api.database import AWAY
from eventmill.core.errors import (
    EventmillError,
    FieldError,
    InvalidFields,
    InvalidRequest,
    Unauthorized,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="eventmill"'}
# A parameter's name comes from the caller; an error that repeats it stays readable.
NAME_LENGTH = 100
_COMPONENTS = "#/components/schemas/{model}"


class ProblemField(BaseModel):
    """One thing wrong with one parameter."""

    field: str = Field(
        description="The parameter's name; a dotted path in a body.", examples=["end"]
    )
    message: str = Field(
        description="What is wrong with it.", examples=["2015-05-01 is before start (2015-05-17)"]
    )


class Problem(BaseModel):
    """What went wrong; `errors` is there when parameters are wrong."""

    type: str = Field(
        description="Always `about:blank`: the status says which kind of problem it is.",
        examples=["about:blank"],
    )
    title: str = Field(description="The kind of problem in words.", examples=["Invalid fields"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="For people: what is wrong and what to do.",
        examples=["end: 2015-05-01 is before start (2015-05-17)"],
    )
    errors: list[ProblemField] = Field(
        default_factory=list, description="Each wrong parameter, when that is the problem."
    )


class ProblemResponse(JSONResponse):
    """A problem; it may repeat what a caller sent, also what is no Unicode (a lone surrogate)."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace")


def answers(*errors: EventmillError) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these errors, each shown as it is really answered."""
    return {
        int(error.status): {
            "description": error.title,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": _COMPONENTS.format(model=Problem.__name__)},
                    "example": error.problem(),
                }
            },
        }
        for error in errors
    }


# What any metrics call may answer instead of numbers.
METRICS_PROBLEMS = answers(
    Unauthorized("the bearer token is not valid: Signature has expired"),
    InvalidFields([FieldError("end", "2015-05-01 is before start (2015-05-17)")]),
    Unavailable(AWAY),
)


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem, and describe problems in its OpenAPI document."""
    app.add_exception_handler(EventmillError, _on_eventmill_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.openapi = _with_problems(app.openapi)  # type: ignore[method-assign]


def _with_problems(generate: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    _, schemas = models_json_schema([(Problem, "validation")], ref_template=_COMPONENTS)

    def openapi() -> dict[str, Any]:
        document = generate()
        document["components"]["schemas"].update(schemas["$defs"])
        return document

    return openapi


def problem_response(error: EventmillError) -> ProblemResponse:
    """The answer that an error is."""
    headers = dict(CHALLENGE) if isinstance(error, Unauthorized) else {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return ProblemResponse(error.problem(), error.status, headers)


async def _on_eventmill_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EventmillError)
    return problem_response(error)


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    for problem in error.errors():
        if problem["type"] == "json_invalid":
            reason = problem.get("ctx", {}).get("error", "")
            return problem_response(InvalidRequest(f"the body is not JSON: {reason}"))
    return problem_response(InvalidFields([_field_error(e) for e in error.errors()]))


def _field_error(error: dict[str, Any]) -> FieldError:
    """pydantic's account of one error → ours. Its `loc` begins with `query`, `path` or `body`."""
    place, *names = error["loc"]
    field = ".".join(map(str, names or [place]))[:NAME_LENGTH]
    if error["type"] == "extra_forbidden":
        return FieldError(field, "there is no such parameter")
    return FieldError(field, str(error["msg"]).removeprefix("Value error, "))


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: an unknown path, a method that a path does not have."""
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    body = {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "detail": f"{error.detail}: see /docs",
    }
    return ProblemResponse(body, error.status_code, error.headers)
