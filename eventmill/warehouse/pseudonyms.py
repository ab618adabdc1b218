"""Ids of people as keyed hashes: HMAC-SHA256 (RFC 2104), 128 bits of it in hexadecimal digits.

The same id has the same pseudonym in every table and on every day of one destination, so people
can be counted and followed there, and another one in any other destination.
"""

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from eventmill.secret_files import kept_secret
from eventmill.settings import get_settings

DIGITS = 32
_BLOCK_BYTES = 64
# About 200 bytes each. A day of a million events has that many ids; of more, some are hashed twice.
_MOST_KNOWN = 500_000


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

    def of_column(self, column: pa.Array) -> pa.Array:
        """The pseudonyms of a column of strings; null stays null."""
        encoded = column.dictionary_encode()
        made = pa.array([self.of(id_) for id_ in encoded.dictionary.to_pylist()], pa.string())
        return made.take(encoded.indices)

    def replace(self, batch: pa.RecordBatch, columns: tuple[str, ...]) -> pa.RecordBatch:
        """The batch with pseudonyms in `columns`.

        Most events name their visitor twice: ids that are equal to those of the first of
        `columns` are not looked up again.
        """
        first: tuple[pa.Array, pa.Array] | None = None
        for name in columns:
            position = batch.schema.get_field_index(name)
            ids = batch.column(position)
            if first is None:
                made = self.of_column(ids)
                first = ids, made
            else:
                is_same = pc.fill_null(pc.equal(ids, first[0]), False)
                others = self.of_column(pc.if_else(is_same, pa.scalar(None, pa.string()), ids))
                made = pc.if_else(is_same, first[1], others)
            batch = batch.set_column(position, batch.schema.field(position), made)
        return batch


def pseudonyms_for(url: str) -> Pseudonyms | None:
    """The pseudonyms of the destination `url` by the settings; None if ids leave as they are."""
    settings = get_settings()
    if not settings.warehouse_pseudonymise:
        return None
    if settings.warehouse_key is not None:
        return Pseudonyms(
            hashlib.sha256(settings.warehouse_key.get_secret_value().encode()).digest()
        )
    kept = kept_secret("warehouse_key").encode()
    return Pseudonyms(hmac.digest(kept, url.encode(), "sha256"))
