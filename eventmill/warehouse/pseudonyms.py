"""Ids of people as keyed hashes: HMAC-SHA256 (RFC 2104), 128 bits of it in hexadecimal digits.

The same id has the same pseudonym in every table and on every day of one destination, so people
can be counted and followed there, and another one in any other destination.
"""

import hashlib
import hmac

from eventmill.secret_files import kept_secret
from eventmill.settings import get_settings

DIGITS = 32
_BLOCK_BYTES = 64
# About 250 bytes each. Of a day with more ids, some are hashed twice.
_MOST_KNOWN = 300_000


class Pseudonyms:
    """The pseudonyms of one destination."""

    def __init__(self, key: bytes) -> None:
        """`key` of at most 64 bytes."""
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        # Both halves of HMAC up to where the message begins: hmac.digest() takes twice as long.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._known: dict[str, str] = {}
        self.key_id = hmac.digest(key, b"eventmill warehouse key", "sha256").hex()[:8]
        """Tells two keys apart, and nothing else of them."""

    def of(self, id_: str) -> str:
        """The pseudonym of one id."""
        known = self._known.get(id_)
        if known is not None:
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(id_.encode())
        outer.update(inner.digest())
        made = self._known[id_] = outer.hexdigest()[:DIGITS]
        return made


def pseudonyms_for(url: str) -> Pseudonyms | None:
    """What exports to `url` use by the settings; None if ids leave as they are."""
    return pseudonyms_of(url) if get_settings().warehouse_pseudonymise else None


def pseudonyms_of(url: str) -> Pseudonyms:
    """The pseudonyms of the destination `url`, whether or not exports use them now."""
    key = get_settings().warehouse_key
    if key is not None:
        return Pseudonyms(hashlib.sha256(key.get_secret_value().encode()).digest())
    kept = kept_secret("warehouse_key").encode()
    return Pseudonyms(hmac.digest(kept, url.encode(), "sha256"))
