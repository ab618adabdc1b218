"""Which web pages may send, and what of an answer their scripts may read.

Any page may by default: a publishable key is public, and no cookie gives anybody a right here.
"""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from eventmill.settings import get_settings

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
