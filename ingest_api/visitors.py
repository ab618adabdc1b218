"""Telling visitors apart without any id: a keyed hash of address and user agent within a day.

The key (salt) of a UTC day is made when first needed and destroyed 48 hours later, in the database
and in every process. From then on nobody, whoever has the database, can find the address behind a
visitor or tell whether two hashes came from the same one.
"""

import hashlib
import secrets
import time

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.errors import Unavailable

SALT_BYTES = 32
SALT_HOURS = 48

# `do update` only so that `returning` answers whether or not another process was first.
TAKE = """
insert into raw.visitor_salts as kept (day, salt) values (%(day)s, %(salt)s)
on conflict (day) do update set day = kept.day
returning salt, extract(epoch from created_at + make_interval(hours => %(hours)s) - now())::float8
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

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._salts: dict[str, tuple[bytes, float]] = {}

    async def of_day(self, day: str) -> bytes:
        """The salt of a UTC day (`YYYY-MM-DD`). Raises Unavailable if the database is away."""
        known = self._salts.get(day)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        try:
            async with self._pool.connection() as connection:
                await connection.execute(DESTROY, (SALT_HOURS,))
                cursor = await connection.execute(
                    TAKE,
                    {"day": day, "salt": secrets.token_bytes(SALT_BYTES), "hours": SALT_HOURS},
                )
                row = await cursor.fetchone()
        except (psycopg.Error, PoolTimeout):
            raise Unavailable("the database is away; send the events again") from None
        assert row is not None
        salt, seconds_left = bytes(row[0]), float(row[1])
        self._salts[day] = (salt, time.monotonic() + seconds_left)
        return salt

    async def destroy_expired(self) -> int:
        """Destroy the salts that are 48 h old, here and in the database; how many there were."""
        now = time.monotonic()
        self._salts = {day: kept for day, kept in self._salts.items() if now < kept[1]}
        async with self._pool.connection() as connection:
            return (await connection.execute(DESTROY, (SALT_HOURS,))).rowcount
