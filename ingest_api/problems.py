"""Errors as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from eventmill.core.errors import EventmillError, RateLimited, RequestTimedOut, Unauthorized

# Not Basic, although it is taken: a browser that is asked for it opens a dialog for a password.
CHALLENGE = 'Bearer realm="eventmill"'


def install(app: FastAPI) -> None:
    app.add_exception_handler(EventmillError, _expected)
    app.add_exception_handler(HTTPException, _http)


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, EventmillError)
    return error_response(request, error)


def error_response(request: Request, error: EventmillError) -> Response:
    """What a request is answered with that ended in `error`."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, RateLimited):
        headers |= error.headers
    if isinstance(error, RequestTimedOut):
        # The rest of the body is not waited for.
        headers["Connection"] = "close"
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return problem_response(request, error.problem(), error.status, headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    problem = {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "detail": f"{request.method} {request.url.path}: {error.detail}",
    }
    return problem_response(request, problem, error.status_code, dict(error.headers or {}))


def problem_response(
    request: Request, problem: Mapping[str, object], status: int, headers: Mapping[str, str]
) -> Response:
    """`problem` as an answer, counted.

    `code` and `message` say the same in the words of the Segment API. Without them
    rudder-sdk-python cannot read the answer and sends eleven times what it should give up at once.
    """
    problem = {**problem, "code": str(int(status)), "message": problem["detail"]}
    request.app.state.metrics.problems.labels(str(int(status))).inc()
    return Response(orjson.dumps(problem), status, headers, media_type="application/problem+json")
