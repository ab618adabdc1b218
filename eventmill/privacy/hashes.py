"""The keyed hash by which an erased person is recognised, and the pseudonym in place of their id.

The key is not in the database, so somebody with a copy of the database cannot try likely ids.
"""

import hashlib
import secrets

from eventmill.core.secret_files import kept_secret
from eventmill.core.settings import get_settings


def erasure_key() -> bytes:
    """The configured key, else one that is made once and kept in the home."""
    configured = get_settings().erasure_key
    text = configured.get_secret_value() if configured else kept_secret("erasure_key")
    # BLAKE2b takes keys of at most 64 bytes.
    return hashlib.sha256(text.encode()).digest()


def key_id(key: bytes) -> str:
    """What tells one key from another, and nothing of either."""
    return hashlib.blake2b(b"key id", key=key, digest_size=4).hexdigest()


def subject_hash(key: bytes, subject_id: str) -> bytes:
    """32 bytes; 1 µs."""
    return hashlib.blake2b(subject_id.encode(), key=key, digest_size=32).digest()


def visitor_hash(key: bytes, visitor: str) -> bytes:
    """What raw.erased_subjects knows a visitor by; no id has the same, as ids had before 0040."""
    return hashlib.blake2b(visitor.encode(), key=key, digest_size=32, person=b"visitor").digest()


def new_pseudonym() -> str:
    """Random: nobody can work it out from the id, not even with the key."""
    return f"erased-{secrets.token_hex(8)}"
