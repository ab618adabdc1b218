"""Every error of an API as `application/problem+json` (RFC 9457), the framework's own included."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from eventmill.core.errors import (
    EventmillError,
    FieldError,
    InvalidFields,
    InvalidRequest,
    RateLimited,
    RequestTimedOut,
    Unauthorized,
)

MEDIA_TYPE = "application/problem+json"
# Not Basic, also where it is taken: a browser that is asked for it opens a dialog for a password.
CHALLENGE = 'Bearer realm="eventmill"'
# A parameter's name comes from the caller; an error that repeats it stays readable.
NAME_LENGTH = 100
Responses = dict[int | str, dict[str, Any]]
"""OpenAPI's `responses` of an operation, by status."""
REFERENCE = "#/components/schemas/{model}"


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


class Problems:
    """How an API answers its errors. A subclass may have a `model` with more members."""

    model: type[Problem] = Problem

    def document(self, problem: dict[str, Any]) -> dict[str, Any]:
        """`problem` with the members of RFC 9457, as it is answered."""
        return problem

    def response(
        self,
        error: EventmillError,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> ProblemResponse:
        """The answer that `error` is, with more `members` if there are any."""
        all_headers = {**_headers(error), **(headers or {})}
        return self._response({**error.problem(), **members}, all_headers)

    def described(self, *errors: EventmillError) -> Responses:
        """OpenAPI's `responses` for these errors, each shown as it is really answered."""
        return {int(error.status): self._described(error) for error in errors}

    def describe(self, document: dict[str, Any]) -> None:
        """Add the schema that `described` refers to to an OpenAPI document."""
        _, found = models_json_schema([(self.model, "validation")], ref_template=REFERENCE)
        document["components"]["schemas"].update(found["$defs"])

    def install(self, app: FastAPI) -> None:
        """Answer what the framework refuses by itself as problems; `Guard` answers the rest."""
        app.add_exception_handler(RequestValidationError, self._on_invalid_request)
        app.add_exception_handler(HTTPException, self._on_http_exception)

    def _response(
        self, problem: dict[str, Any], headers: Mapping[str, str] | None
    ) -> ProblemResponse:
        return ProblemResponse(self.document(problem), problem["status"], headers)

    def _described(self, error: EventmillError) -> dict[str, Any]:
        schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
        example = self.document(error.problem())
        described: dict[str, Any] = {
            "description": error.title,
            "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
        }
        if error.retry_after_seconds is not None:
            seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            described["headers"] = {"Retry-After": seconds}
        return described

    async def _on_invalid_request(self, _: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        for problem in error.errors():
            if problem["type"] == "json_invalid":
                reason = problem.get("ctx", {}).get("error", "")
                return self.response(InvalidRequest(f"the body is not JSON: {reason}"))
        return self.response(InvalidFields([_field_error(e) for e in error.errors()]))

    async def _on_http_exception(self, _: Request, error: Exception) -> JSONResponse:
        """An unknown path, a method that a path does not have."""
        assert isinstance(error, HTTPException)
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": f"{error.detail}: see /docs",
        }
        return self._response(problem, error.headers)


def _headers(error: EventmillError) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, RateLimited) else {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, RequestTimedOut):
        # The rest of the body is not waited for.
        headers["Connection"] = "close"
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


def _field_error(error: dict[str, Any]) -> FieldError:
    """pydantic's account of one error → ours. Its `loc` begins with `query`, `path` or `body`."""
    place, *names = error["loc"]
    field = ".".join(map(str, names or [place]))[:NAME_LENGTH]
    if error["type"] == "extra_forbidden":
        return FieldError(field, "there is no such parameter")
    return FieldError(field, str(error["msg"]).removeprefix("Value error, "))
