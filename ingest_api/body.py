"""A request's body: read within its limits whatever its headers say, unpacked, and parsed."""

import json
import zlib
from typing import Any

import orjson
from starlette.requests import Request

from eventmill.core.errors import FieldError, InvalidFields, InvalidRequest, PayloadTooLarge
from eventmill.http import guard

MAX_BODY_BYTES = 1024 * 1024
MAX_EVENTS = 1_000
# No JSON begins with these bytes (RFC 1952, 2.3.1).
GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
# `cat a.gz b.gz` joins two; nobody joins many, and each costs a copy of what is left.
MAX_MEMBERS = 8
BOM = b"\xef\xbb\xbf"


async def read_body(request: Request) -> bytes:
    """The whole body, unpacked if it is gzip.

    Gzip is known by its first bytes, since some clients label it as something else or not at all.
    Raises PayloadTooLarge for more than 1 MB, packed or unpacked, RequestTimedOut and
    InvalidRequest.
    """
    body = await guard.read_body(request.scope, request.receive, MAX_BODY_BYTES)
    return unpacked(body, MAX_BODY_BYTES)


def listed(value: dict[str, Any], name: str) -> list[Any]:
    """The events under `name`. Raises InvalidFields, or PayloadTooLarge for more than 1,000."""
    events = value.get(name)
    if not isinstance(events, list):
        raise invalid(name, "must be a list of objects")
    if len(events) > MAX_EVENTS:
        raise PayloadTooLarge(
            f"a request may have at most {MAX_EVENTS:,} events, not {len(events):,}"
        )
    return events


def invalid(field: str, message: str) -> InvalidFields:
    """The refusal of a request of which one field is wrong."""
    return InvalidFields([FieldError(field, message)])


def unpacked(body: bytes, limit: int) -> bytes:
    """The body, unpacked if it is gzip.

    Raises PayloadTooLarge if more than `limit` bytes come out, having unpacked no more than that,
    and InvalidRequest if it breaks off or is damaged.
    """
    if not body.startswith(GZIP):
        return body
    parts: list[bytes] = []
    left = limit
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = unpacker.decompress(body, left + 1)
        except zlib.error:
            raise InvalidRequest("the body begins as gzip and is damaged") from None
        left -= len(part)
        if left < 0:
            raise PayloadTooLarge(f"a request may have at most {limit:,} bytes after unpacking")
        if not unpacker.eof:
            raise InvalidRequest("the body is gzip and breaks off")
        parts.append(part)
        body = unpacker.unused_data
        if not body:
            return b"".join(parts)
    raise InvalidRequest(f"the body is more than {MAX_MEMBERS} gzip files in one")


def parse_json(body: bytes) -> tuple[Any, bool]:
    """The value, and whether it may hold something that PostgreSQL cannot store.

    The fast parser refuses a lone surrogate, NaN or 1e999 and with it the whole request; the
    standard library's takes them, so that only the event that holds one is rejected.
    Raises InvalidRequest that says where the JSON breaks.
    """
    try:
        # NUL can only be in JSON as this escape: as a byte it is a syntax error.
        return orjson.loads(body), b"\\u0000" in body
    except orjson.JSONDecodeError:
        pass
    try:
        text = body.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8: byte {error.start} is wrong") from None
    if not text.strip():
        raise InvalidRequest('the body is empty: send an event, or {"events": [...]}')
    try:
        return json.loads(text, parse_int=_parse_int), True
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None


def _parse_int(digits: str) -> int | float:
    """Python refuses to convert thousands of digits; so large a number is rejected later."""
    return int(digits) if len(digits) <= 20 else float("inf")
