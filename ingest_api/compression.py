"""Bodies packed with gzip, whether or not the headers say so: some clients do not."""

import zlib

from eventmill.core.errors import InvalidRequest, PayloadTooLarge

# No JSON begins with these bytes (RFC 1952, 2.3.1).
GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
# `cat a.gz b.gz` joins two; nobody joins many, and each costs a copy of what is left.
MAX_MEMBERS = 8


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
