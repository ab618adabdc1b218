"""The innermost middleware of both APIs: limits on a request, and an answer to every error."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.core.errors import (
    EventmillError,
    InvalidRequest,
    PayloadTooLarge,
    RequestTimedOut,
    UriTooLong,
)
from eventmill.http.problems import Problems, Responses

# Path and query string together: the longest id, percent-encoded, is 2,400.
MAX_URL_BYTES = 16 * 1024
BODY_SECONDS = 10.0
TIMED_OUT = "the body was not complete within {seconds:g} s: send less at once"
UNEXPECTED = "something went wrong here; the log says what"


class Guard:
    """ASGI middleware: an error is a problem, a defect a 500 that says nothing of our insides.

    It stands inside the middleware for headers and CORS; the framework's own handler stands outside
    of all, so its answers would have none. With `max_body_bytes` the application gets each body as
    a whole; without, a route reads its body itself with `read_body`.
    """

    def __init__(
        self,
        app: ASGIApp,
        problems: Problems,
        log: logging.Logger,
        max_body_bytes: int | None = None,
    ) -> None:
        self.app = app
        self.problems = problems
        self.log = log
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            length = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
            if length > MAX_URL_BYTES:
                raise _too_long(length)  # noqa: TRY301
            if self.max_body_bytes is not None:
                receive = _replayed(await read_body(scope, receive, self.max_body_bytes), receive)
            await self.app(scope, receive, watched_send)
        except Exception as error:
            if has_started:
                raise
            if not isinstance(error, EventmillError):
                self.log.exception("a request failed unexpectedly")
                error = EventmillError(UNEXPECTED)
            await self.problems.response(error)(scope, receive, send)


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The whole body.

    Raises PayloadTooLarge as soon as it is known to have more than `max_bytes`, RequestTimedOut if
    it is not complete within 10 s, and InvalidRequest if the connection closes before.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > max_bytes:
            raise _too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise InvalidRequest("the connection closed before the body was complete")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise RequestTimedOut(TIMED_OUT.format(seconds=BODY_SECONDS)) from None


def guarded(problems: Problems, max_body_bytes: int) -> tuple[Responses, Responses]:
    """OpenAPI's `responses` of every call, and of those with a body."""
    always = problems.described(_too_long(20_000), EventmillError(UNEXPECTED))
    with_body = problems.described(
        InvalidRequest("the body is not JSON: Expecting value"),
        RequestTimedOut(TIMED_OUT.format(seconds=10)),
        _too_large(max_body_bytes),
    )
    return always, with_body


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"a body may have at most {max_bytes:,} bytes: send less at once")


def _too_long(length: int) -> UriTooLong:
    return UriTooLong(f"path and query may have {MAX_URL_BYTES} bytes; these have {length}")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` at once, and then what comes after it."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
