"""Ids of people as keyed hashes: SHA-256 of key and id, 128 bits of it in hexadecimal digits.

The same id has the same pseudonym in every table and on every day of one destination, so people
can be counted and followed there, and another one in any other destination.
"""

import hashlib
import hmac

from eventmill.core.secret_files import kept_secret
from eventmill.core.settings import get_settings

# Half of the hash: who has only that cannot go on hashing from it, which HMAC is for otherwise.
DIGITS = 32
# With an id of up to 39 bytes one block of SHA-256, where HMAC takes four.
_KEY_BYTES = 16


class Pseudonyms:
    """The pseudonyms of one destination."""

    def __init__(self, secret: bytes) -> None:
        self.key = hmac.digest(secret, b"eventmill pseudonyms", "sha256")[:_KEY_BYTES]
        self.key_id = hmac.digest(secret, b"eventmill key_id", "sha256").hex()[:8]
        """Tells two keys apart, and nothing else of them."""

    def of(self, id_: str) -> str:
        """The pseudonym of one id."""
        return hashlib.sha256(self.key + id_.encode()).hexdigest()[:DIGITS]


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
