"""Which web pages may send, and what of an answer their scripts may read.

By default any page may send: a publishable key is public, and cookies give no rights here.

Before a page sends credentials in headers, its browser asks the server (a preflight request), and
does not send if the answer is no. The tracker sends credentials in the body. Browsers send such a
request without asking, so `may_send` checks its origin here.
"""

from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

from eventmill.core.settings import get_settings
from ingest_api.headers import header

METHODS = ("GET", "POST")
# The last three are what RudderStack's and Segment's libraries add.
HEADERS = (
    "authorization", "content-type", "content-encoding", "x-write-key", "x-request-id",
    "anonymousid", "sentat", "x-retry-count",
)  # fmt: skip
READABLE = (
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Request-Id",
)  # fmt: skip
# The longest that Chromium keeps a preflight's answer; each saves the visitor a round trip.
KEPT_SECONDS = 7_200


def middleware() -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=get_settings().cors_origins,
        allow_methods=METHODS,
        allow_headers=HEADERS,
        expose_headers=READABLE,
        max_age=KEPT_SECONDS,
    )


def may_send(request: Request) -> bool:
    """Whether the page that a request comes from may send; true of what comes from no page."""
    origin = header(request, b"origin")
    allowed = get_settings().cors_origins
    if not origin or "*" in allowed or origin in allowed:
        return True
    # A page of the service itself, such as the example.
    return urlsplit(origin).netloc == header(request, b"host")
