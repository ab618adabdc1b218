"""A request's body: read within its limits whatever its headers say, unpacked, and parsed."""

import asyncio
import json
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Receive

from eventmill.core.errors import InvalidRequest, PayloadTooLarge, RequestTimedOut
from ingest_api.compression import unpacked
from ingest_api.headers import header

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
BOM = b"\xef\xbb\xbf"


async def read_body(request: Request) -> bytes:
    """The whole body, unpacked if it is gzip.

    Gzip is known by its first bytes, since some clients label it as something else or not at all.
    Raises PayloadTooLarge as soon as it is known to be over 1 MB, packed or unpacked, and
    RequestTimedOut if it is not complete within 10 s.
    """
    declared = header(request, b"content-length")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(request.receive)
    except TimeoutError:
        raise RequestTimedOut(
            f"the body was not complete within {BODY_SECONDS:g} s: send less at once"
        ) from None
    return unpacked(body, MAX_BODY_BYTES)


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("the connection closed before the body was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


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


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"a request may have at most {MAX_BODY_BYTES:,} bytes: send less at once"
    )
