"""Write keys: who may send events without being a user.

A publishable key stands in web pages, where everybody can read it; a secret key stays on servers.
The database holds the SHA-256 of each key. A key has 192 random bits, so it cannot be guessed, and
a slow hash would add no safety.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, LiteralString, get_args

import psycopg
from psycopg.rows import class_row

from eventmill.core.errors import ConfigurationError

KeyKind = Literal["publishable", "secret"]
KINDS: tuple[KeyKind, ...] = get_args(KeyKind)
PREFIXES: dict[KeyKind, str] = {"publishable": "emk_pub_", "secret": "emk_sec_"}
MAX_NAME_CHARACTERS = 200
_KEY = re.compile(r"emk_(?:pub|sec)_[A-Za-z0-9_-]{32}", re.ASCII)

INSERT = "insert into raw.write_keys (key_id, name, kind, key_hash) values (%s, %s, %s, %s)"
LIST = "select key_id, name, kind, created_at, revoked_at from raw.write_keys order by created_at"
REVOKE = """
update raw.write_keys set revoked_at = coalesce(revoked_at, now()) where key_id = %s
"""
# What an ingest process needs to know of the keys that are good.
VALID: LiteralString = "select key_hash, key_id, kind from raw.write_keys where revoked_at is null"


@dataclass(frozen=True, slots=True)
class WriteKey:
    """What is known of a key; the key itself is known only to who made it."""

    key_id: str
    name: str
    kind: KeyKind
    created_at: datetime
    revoked_at: datetime | None


def looks_like_key(text: str) -> bool:
    """Whether `text` has a write key's form; if not, no database needs to be asked."""
    return _KEY.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def key_label(key_id: str) -> str:
    """What stands for a key where anybody may read: its id cannot be told from it."""
    return hashlib.sha256(f"eventmill metrics {key_id}".encode()).hexdigest()[:8]


def hash_key(key: str) -> bytes:
    """SHA-256 of a key, 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


def create_key(connection: psycopg.Connection, name: str, kind: KeyKind) -> str:
    """Make a key and return it: the only time that it can be seen. Commits if in autocommit mode.

    Raises ConfigurationError for a kind that there is not, or a name that is empty or too long.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"unknown kind {kind!r}: use one of {', '.join(KINDS)}")
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or "\0" in name:
        raise ConfigurationError(
            f"a key's name must have 1 to {MAX_NAME_CHARACTERS} characters and no NUL"
        )
    key = PREFIXES[kind] + secrets.token_urlsafe(24)
    connection.execute(INSERT, (f"key_{secrets.token_hex(6)}", name, kind, hash_key(key)))
    return key


def is_valid_key(connection: psycopg.Connection, key: str) -> bool:
    """Whether `key` was made here and has not been revoked."""
    return any(row[0] == hash_key(key) for row in connection.execute(VALID).fetchall())


def list_keys(connection: psycopg.Connection) -> list[WriteKey]:
    """Every key ever made, the oldest first."""
    with connection.cursor(row_factory=class_row(WriteKey)) as cursor:
        return cursor.execute(LIST).fetchall()


def revoke_key(connection: psycopg.Connection, key_id: str) -> None:
    """Make a key worthless for good; running services notice within ten seconds.

    Revoking twice is revoking once. Raises ConfigurationError if there is no such key.
    """
    if connection.execute(REVOKE, (key_id,)).rowcount == 0:
        raise ConfigurationError(f"there is no write key {key_id!r}: see `eventmill keys list`")
