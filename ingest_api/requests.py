"""What every request gets: an id, a line in the log, and an answer even if the code is wrong."""

import logging
import time
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.errors import EventmillError
from eventmill.logs import new_request_id, request_id

log = logging.getLogger("eventmill.ingest.requests")


class ObservedRequests:
    """ASGI middleware, outermost: gives each request its id and logs how it ended.

    Refusals are logged as `info`, other answers as `debug`: at 2,500 requests a second a line for
    each would be what the disk is busy with.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = new_request_id(scope["headers"])
        token = request_id.set(current)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", current.encode())]
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            level = logging.DEBUG if status < 400 else logging.INFO
            if log.isEnabledFor(level):
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                fields = {"route": _route(scope), "status": status, "milliseconds": milliseconds}
                log.log(level, "answered", extra={"fields": fields})
            request_id.reset(token)


class UnexpectedErrors:
    """ASGI middleware: a defect becomes a 500 that says nothing of our insides, and a log line.

    It stands inside the one for CORS, so that a browser may read this answer too.
    """

    def __init__(self, app: ASGIApp, metrics: Any) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except Exception:
            if scope["type"] != "http" or has_started:
                raise
            log.exception("a request failed unexpectedly")
            self.metrics.problems.labels("500").inc()
            problem = EventmillError("something went wrong here; the log says what").problem()
            headers = [(b"content-type", b"application/problem+json")]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": orjson.dumps(problem)})


def _route(scope: Scope) -> str:
    """The route's pattern: a path may hold a key, or whatever its sender put there."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or "unknown"
