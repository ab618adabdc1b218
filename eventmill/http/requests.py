"""What every request gets: an id, security headers and a line in the log.

The line has the route, status and duration, and nothing about the caller, a person or the content.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.core.logs import request_id
from eventmill.http.problems import MEDIA_TYPE

Headers = Sequence[tuple[bytes, bytes]]

# Over plain HTTP a browser ignores it, and on a developer's machine it would lock out port 80.
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
PUBLIC: Headers = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"))
"""Of answers that any page may read."""
# Numbers are private to a caller and change while one looks: nothing in between may keep them. An
# answer is data: shown in a browser it loads nothing, runs nothing and is in no frame.
PRIVATE: Headers = (
    *PUBLIC,
    (b"cache-control", b"private, no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    TRANSPORT_SECURITY,
)
"""Of answers to one caller."""

# Only what cannot be somebody's name is taken over from a sender: a UUID, or a trace id.
_ID = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())


class Answered(NamedTuple):
    """How a request ended."""

    method: str
    """`other` if the caller made it up: that would make one time series per word."""
    route: str
    """The route's pattern: a path may hold a key or an id. `unknown` if no route has the path."""
    status: int
    seconds: float
    """From the request's arrival to the end of its answer."""
    is_problem: bool


class ObservedRequests:
    """ASGI middleware, outermost: gives a request its id, and counts, times and logs it.

    `headers` are added to each answer that does not have them. `success` is the level at which
    answers below 400 are logged.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: logging.Logger,
        count: Callable[[Answered], None],
        headers: Headers = (),
        success: int = logging.INFO,
    ) -> None:
        self.app = app
        self.log = log
        self.count = count
        self.headers = headers
        self.success = success

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = _request_id(scope["headers"])
        token = request_id.set(current)
        status, is_problem = 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, is_problem
            if message["type"] == "http.response.start":
                status, own = message["status"], message["headers"]
                is_problem = status >= 400 and _PROBLEM in own
                names = {name for name, _ in own}
                added = [header for header in self.headers if header[0] not in names]
                if scope["scheme"] != "https" and TRANSPORT_SECURITY in added:
                    added.remove(TRANSPORT_SECURITY)
                message["headers"] = [*own, *added, (b"x-request-id", current.encode())]
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            route: Any = scope.get("route")
            pattern = getattr(route, "path_format", None) or "unknown"
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.count(Answered(method, pattern, status, seconds, is_problem))
            level = self.success if status < 400 else logging.INFO
            if self.log.isEnabledFor(level):
                fields = {
                    "method": method,
                    "route": pattern,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 1),
                }
                if role := scope.get("state", {}).get("role"):
                    fields["role"] = role
                self.log.log(level, "answered", extra={"fields": fields})
            request_id.reset(token)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The `X-Request-ID` that a request brought, if it is an id and nothing else, or a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return value.decode()
    return os.urandom(16).hex()
