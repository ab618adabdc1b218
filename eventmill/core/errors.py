"""The error tree. Each class carries the HTTP status that an API answers with.

EventmillError                500
├── ConfigurationError        500   a setting, port, URL or migration is wrong: one line, what to do
├── InvalidRequest            400   the request cannot be read
│   ├── RequestTimedOut       408   the sender is too slow
│   ├── PayloadTooLarge       413
│   ├── UriTooLong            414
│   └── InvalidFields         422   it can be read, and fields in it are wrong
├── Unauthorized              401
├── Forbidden                 403
├── NotFound                  404
├── RateLimited               429   answered with Retry-After
└── Unavailable               503   answered with Retry-After
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. `field` is a dotted path such as `props.revenue_cents`."""

    field: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "message": self.message}


class EventmillError(Exception):
    """Base of every error that Eventmill raises on purpose."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    title: ClassVar[str] = "Internal error"
    retry_after_seconds: int | None = None

    def problem(self) -> dict[str, Any]:
        """The error as `application/problem+json` (RFC 9457)."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": int(self.status),
            "detail": str(self),
        }


class ConfigurationError(EventmillError):
    title = "Configuration error"


class InvalidRequest(EventmillError):
    status = HTTPStatus.BAD_REQUEST
    title = "Invalid request"


class RequestTimedOut(InvalidRequest):
    status = HTTPStatus.REQUEST_TIMEOUT
    title = "Request timeout"


class PayloadTooLarge(InvalidRequest):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Payload too large"


class UriTooLong(InvalidRequest):
    status = HTTPStatus.REQUEST_URI_TOO_LONG
    title = "URI too long"


class InvalidFields(InvalidRequest):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid fields"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))
        self.errors = errors

    def problem(self) -> dict[str, Any]:
        return {**super().problem(), "errors": [e.as_dict() for e in self.errors]}


class Unauthorized(EventmillError):
    status = HTTPStatus.UNAUTHORIZED
    title = "Unauthorized"


class Forbidden(EventmillError):
    status = HTTPStatus.FORBIDDEN
    title = "Forbidden"


class NotFound(EventmillError):
    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class RateLimited(EventmillError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"

    def __init__(self, message: str, retry_after_seconds: int, headers: dict[str, str]) -> None:
        """`headers` say what the limit is and how much of it is left."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers


class Unavailable(EventmillError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Service unavailable"
    retry_after_seconds = 5
