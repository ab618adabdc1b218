"""Telling visitors apart without any id: a keyed hash of address and user agent within a day.

The key (salt) of a UTC day is made when first needed and destroyed 48 hours later, in the database
and in every process. From then on nobody can find the address behind a visitor, or tell whether two
hashes came from the same address, even with a copy of the database.

While the database is away, a day's salt is made here and kept in the spool, where the other
processes find it, until it can be stored. If the database has a salt of the same day by then, the
database's stays, and a visitor of that day counts twice.
"""

import hashlib
import secrets
import time

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.core.errors import Unavailable
from ingest_api.patience import within
from ingest_api.spool import Spool
from ingest_api.spool_file import SpoolFile

SALT_BYTES = 32
SALT_HOURS = 48
# A request waits this long for a salt of the database, and nobody asks again for a while.
ASK_SECONDS = 2.0
AWAY_SECONDS = 5.0

# `do update` only so that `returning` answers whether or not another process was first.
TAKE = """
insert into raw.visitor_salts as kept (day, salt) values (%(day)s, %(salt)s)
on conflict (day) do update set day = kept.day
returning salt, extract(epoch from created_at + make_interval(hours => %(hours)s) - now())::float8
"""
HAND_OVER = """
insert into raw.visitor_salts (day, salt, created_at) values (%s, %s, to_timestamp(%s))
on conflict do nothing
"""
DESTROY = """
delete from raw.visitor_salts where created_at <= now() - make_interval(hours => %s)
"""


def visitor_hash(salt: bytes, address: str, user_agent: str) -> str:
    """32 hexadecimal digits: keyed BLAKE2b of the address and the user agent."""
    text = f"{address}\0{user_agent}".encode(errors="replace")
    return hashlib.blake2b(text, key=salt, digest_size=16).hexdigest()


class VisitorSalts:
    """The salts of this system's database, kept in memory no longer than there."""

    def __init__(self, pool: AsyncConnectionPool, spool: Spool | None = None) -> None:
        self._pool = pool
        self._spool = spool
        self._salts: dict[str, tuple[bytes, float]] = {}
        self._local: dict[str, bytes] = {}
        """Salts that were made while the database was away, until they are handed over."""
        self._away_until = float("-inf")

    async def of_day(self, day: str) -> bytes:
        """The salt of a UTC day (`YYYY-MM-DD`). Raises Unavailable if none can be had or kept."""
        known = self._salts.get(day)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        if self._spool is not None and not self._spool.is_empty():
            # The salt that came from no database is used until it is handed over.
            local = self._local.get(day) or await self._spool.run(lambda file: file.salt(day, None))
            if local is not None:
                self._local[day] = local
                return local
        if time.monotonic() < self._away_until:
            return await self._make(day)
        try:
            salt, seconds_left = await within(ASK_SECONDS, self._take(day))
        except (psycopg.Error, PoolTimeout, TimeoutError):
            self._away_until = time.monotonic() + AWAY_SECONDS
            return await self._make(day)
        self._salts[day] = (salt, time.monotonic() + seconds_left)
        return salt

    async def hand_over(self) -> None:
        """Give the database the salts that were made while it was away.

        Raises what psycopg raises, PoolTimeout, TimeoutError and SpoolUnavailable.
        """
        if self._spool is None or not (salts := await self._spool.run(SpoolFile.salts)):
            return
        await within(ASK_SECONDS, self._insert(salts))
        last = max(made_at for _, _, made_at in salts)
        await self._spool.run(lambda file: file.destroy_salts(last))
        self._local.clear()
        self._away_until = float("-inf")

    @property
    def has_local(self) -> bool:
        """Whether there are salts to hand over, as far as this process knows."""
        return bool(self._local)

    async def forget_expired(self) -> None:
        """Destroy the salts that are 48 h old, here and in the spool."""
        now = time.monotonic()
        self._salts = {day: kept for day, kept in self._salts.items() if now < kept[1]}
        self._local.clear()  # read again from the spool, if they are still there
        if self._spool is not None:
            expired = time.time() - SALT_HOURS * 3600
            await self._spool.run(lambda file: file.destroy_salts(expired))

    async def destroy_expired(self) -> int:
        """Destroy the salts that are 48 h old in the database; how many there were."""
        async with self._pool.connection() as connection:
            return (await connection.execute(DESTROY, (SALT_HOURS,))).rowcount

    async def _take(self, day: str) -> tuple[bytes, float]:
        async with self._pool.connection(timeout=ASK_SECONDS) as connection:
            await connection.execute(DESTROY, (SALT_HOURS,))
            candidate = secrets.token_bytes(SALT_BYTES)
            cursor = await connection.execute(
                TAKE, {"day": day, "salt": candidate, "hours": SALT_HOURS}
            )
            row = await cursor.fetchone()
        assert row is not None
        return bytes(row[0]), float(row[1])

    async def _insert(self, salts: list[tuple[str, bytes, float]]) -> None:
        async with self._pool.connection(timeout=ASK_SECONDS) as connection:
            for salt in salts:
                await connection.execute(HAND_OVER, salt)

    async def _make(self, day: str) -> bytes:
        if self._spool is None:
            raise Unavailable("the database is away; send the events again")
        if day not in self._local:
            candidate = secrets.token_bytes(SALT_BYTES)
            salt = await self._spool.run(lambda file: file.salt(day, candidate))
            assert salt is not None
            self._local[day] = salt
        return self._local[day]
