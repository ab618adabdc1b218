"""What every request gets: an id and a line in the log."""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.core.logs import new_request_id, request_id

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


def _route(scope: Scope) -> str:
    """The route's pattern: a path may hold a key, or whatever its sender put there."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or "unknown"
