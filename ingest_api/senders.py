"""Who sends: a write key, a user's token, or both.

A key comes as `X-Write-Key`, as the user name of HTTP Basic or in the body (`write_key` beside
`events`, `writeKey` in Segment's calls); a token as `Authorization: Bearer <JWT>` or, beside
`events`, as `user_token`. Headers count more. Both together:

| | no token | token |
|---|---|---|
| no key | refused | `user` |
| publishable key | `publishable` | `user` |
| secret key | `secret` | `secret`, and the token says who the actor is |

Keys are kept in memory: read again every ten seconds, and when a request has an unknown one, at
most once a second. The last set is also kept on disk, so that a process that starts while the
database is away still knows its senders.
"""

import asyncio
import base64
import binascii
import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.requests import Request

from eventmill.core.errors import Forbidden, Unauthorized, Unavailable
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS
from eventmill.core.tokens import Caller, authenticate
from eventmill.core.trust import Trust
from ingest_api import cors
from ingest_api.headers import header
from ingest_api.kept_keys import KeptKeys, Keys, KnownKey
from ingest_api.keys import VALID, hash_key, looks_like_key

log = logging.getLogger("eventmill.ingest")

REFRESH_SECONDS = 10.0
UNKNOWN_KEY_SECONDS = 1.0
READ_SECONDS = 2.0

NO_CREDENTIALS = (
    "no credentials: send a write key in the header X-Write-Key (`eventmill keys create` makes"
    " one), or a user's token as `Authorization: Bearer <token>`"
)
UNKNOWN_KEY = "the write key is unknown or was revoked"


Kind = Literal["publishable", "secret", "user"]
_TRUST: dict[Kind, Trust] = {
    "publishable": Trust.PUBLISHABLE,
    "user": Trust.TOKEN,
    "secret": Trust.SECRET,
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a request. `caller` is who a user's token speaks for: then the actor is fixed."""

    kind: Kind
    key_id: str | None = None
    caller: Caller | None = None
    first_trust: Trust | None = None
    """The class of an accepted event that is stored again by somebody else: a replay."""

    @property
    def trust(self) -> Trust:
        """The class of what this sender says."""
        return self.first_trust or _TRUST[self.kind]


@lru_cache
def _of_key(known: KnownKey) -> Sender:
    return Sender(known.kind, known.key_id)


IMPORTER = Sender("secret")
"""The command line's own imports and replays."""


class Senders:
    """Recognises senders, while `run` runs."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._kept = KeptKeys(str(pool.conninfo))
        self._keys: Keys = self._kept.read()
        self._read_at = float("-inf")
        """When the database was last asked, by the monotonic clock."""
        self._is_current = False
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            async with self._reading:
                await self._read()
            await asyncio.sleep(REFRESH_SECONDS)

    async def identify(
        self, request: Request, body_write_key: str | None = None, body_token: str | None = None
    ) -> Sender:
        """The request's sender.

        Raises Unauthorized for no credentials or wrong ones, Forbidden for a page that may not
        send, and Unavailable when a key cannot be looked up because the database is away.
        """
        key, token = _credentials(request)
        if body_write_key or body_token:
            # A browser asks nobody before it sends these.
            if not cors.may_send(request):
                raise Forbidden("pages of this origin may not send (EVENTMILL_ALLOWED_ORIGINS)")
            key, token = key or body_write_key, token or body_token
        if not key and not token:
            raise Unauthorized(NO_CREDENTIALS)
        found = await self._find(key) if key else None
        if not token:
            assert found is not None
            return _of_key(found)
        caller = await authenticate(token)
        _require_storable(caller)
        if found is None:
            return Sender("user", None, caller)
        return Sender("secret" if found.kind == "secret" else "user", found.key_id, caller)

    async def _find(self, key: str) -> KnownKey:
        if not looks_like_key(key):
            raise Unauthorized(UNKNOWN_KEY)
        key_hash = hash_key(key)
        if key_hash not in self._keys:
            asked_at = time.monotonic()
            async with self._reading:
                # Somebody else may have read the keys while this waited.
                if key_hash not in self._keys and self._read_at < asked_at:
                    await asyncio.sleep(max(0, self._read_at + UNKNOWN_KEY_SECONDS - asked_at))
                    await self._read()
        if key_hash in self._keys:
            return self._keys[key_hash]
        if not self._is_current:
            raise Unavailable("the database is away and the write key is not among the known ones")
        raise Unauthorized(UNKNOWN_KEY)

    async def _read(self) -> None:
        """Ask the database for all keys; what was known stays if it is away."""
        self._read_at = time.monotonic()
        try:
            async with asyncio.timeout(READ_SECONDS), self._pool.connection() as connection:
                rows = await (await connection.execute(VALID)).fetchall()
        except (psycopg.Error, PoolTimeout, TimeoutError) as error:
            if self._is_current:
                log.warning("cannot read the write keys: %s", type(error).__name__)
            self._is_current = False
            return
        self._keys = {bytes(key_hash): KnownKey(key_id, kind) for key_hash, key_id, kind in rows}
        self._is_current = True
        self._kept.write(self._keys)


def _credentials(request: Request) -> tuple[str | None, str | None]:
    """The write key and the token of a request's headers; None for what is not there."""
    key = header(request, b"x-write-key").strip() or None
    scheme, _, value = header(request, b"authorization").strip().partition(" ")
    match scheme.lower():
        case "":
            return key, None
        case "bearer":
            return key, value.strip() or None
        case "basic":
            # Some clients send an empty user name and name their key in the body.
            return key or _basic_user(value) or None, None
        case _:
            raise Unauthorized("the Authorization header is neither Basic nor Bearer")


def _basic_user(value: str) -> str:
    """The user name of HTTP Basic (RFC 7617)."""
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthorized("the Authorization header is no HTTP Basic") from None
    return decoded.partition(":")[0]


def _require_storable(caller: Caller) -> None:
    """A token's claims become columns, past the checks that an event's own fields go through."""
    for claim in (caller.sub, caller.brand_id or ""):
        if len(claim) > MAX_ID_CHARACTERS or text_problem(claim):
            raise Unauthorized("the bearer token's sub or brand_id is no id that can be stored")
