"""Errors as `application/problem+json` (RFC 9457)."""

from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from eventmill.errors import EventmillError


def install(app: FastAPI) -> None:
    app.add_exception_handler(EventmillError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, EventmillError)
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return _problem(request, error.problem(), error.status, headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    problem = {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "detail": f"{request.method} {request.url.path}: {error.detail}",
    }
    return _problem(request, problem, error.status_code, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    problem = EventmillError("something went wrong here; the log says what").problem()
    return _problem(request, problem, HTTPStatus.INTERNAL_SERVER_ERROR, {})


def _problem(
    request: Request, problem: dict[str, object], status: int, headers: dict[str, str]
) -> Response:
    request.app.state.metrics.problems.labels(str(int(status))).inc()
    return Response(orjson.dumps(problem), status, headers, media_type="application/problem+json")
