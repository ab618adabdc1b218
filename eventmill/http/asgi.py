"""What both APIs put around their application, in terms of ASGI alone."""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from eventmill.core.errors import EventmillError

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNEXPECTED = "something went wrong here; the log says what"


class UnexpectedErrors:
    """ASGI middleware: a defect is a 500 that says nothing about our insides, and a log line.

    It stands inside the middleware for headers and CORS; the framework's own handler stands outside
    of all, so its answers would have none. `count` is called for each of them.
    """

    def __init__(
        self, app: App, log: logging.Logger, count: Callable[[], object] | None = None
    ) -> None:
        self.app = app
        self.log = log
        self.count = count

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
            self.log.exception("a request failed unexpectedly")
            if self.count:
                self.count()
            body = json.dumps(EventmillError(UNEXPECTED).problem()).encode()
            headers = [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body})
