"""What stands before every call: headers that close easy holes, and limits."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards_api.problems import problem_response
from eventmill.core.errors import EventmillError, PayloadTooLarge, RequestTimedOut, UriTooLong

MAX_BODY_BYTES = 256 * 1024
# Path and query string together: the longest id, percent-encoded, is 2,400.
MAX_URL_BYTES = 16 * 1024
BODY_SECONDS = 10

# Numbers are private to a caller and change while one looks: nothing in between may keep them. An
# answer is data: shown in a browser it loads nothing, runs nothing and is in no frame.
SECURITY_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Over plain HTTP a browser ignores it, and on a developer's machine it would lock out port 80.
TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """ASGI middleware: the security headers, unless the answer says otherwise itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", TRANSPORT_SECURITY)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class RequestLimits:
    """ASGI middleware: refuses what is too long, and gives the application bodies as a whole."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _check_url(scope)
            body = await _body(scope, receive)
        except EventmillError as error:
            await problem_response(error)(scope, receive, send)
            return
        if body is None:
            await self.app(scope, receive, send)
        else:
            await self.app(scope, _replayed(body, receive), send)


def _check_url(scope: Scope) -> None:
    length = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if length > MAX_URL_BYTES:
        raise UriTooLong(f"path and query may have {MAX_URL_BYTES} bytes; these have {length}")


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body; None of a request without one. Raises PayloadTooLarge, RequestTimedOut."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    if b"transfer-encoding" not in headers and length in (b"", b"0"):
        return None
    if length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
        raise PayloadTooLarge(_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise PayloadTooLarge(_TOO_LARGE)
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise RequestTimedOut(f"the body did not come within {BODY_SECONDS} s") from None


_TOO_LARGE = f"a body may have {MAX_BODY_BYTES} bytes"


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
