"""Daily partitions of `raw.events`, made before the first event of a day is stored."""

import asyncio
from collections.abc import Iterable
from typing import LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.core.registry import EventRow

# More days than any one process meets; a log of years still fits.
MAX_KNOWN_DAYS = 20_000
# A partition takes a tenth of a second to make.
MOST_NEW_DAYS = 100
EXISTING: LiteralString = """
select day::text
from unnest(%s::date[]) as day
where to_regclass('raw.events_' || to_char(day, 'YYYYMMDD')) is not null
"""


class Partitions:
    """Which days are known to have a partition. Shared by the writers of one process."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def ensure(self, connection: psycopg.AsyncConnection, days: Iterable[str]) -> None:
        """Make the partitions of `days` (`YYYY-MM-DD`) that are missing.

        `connection` is in autocommit mode, so each is made in its own transaction: the lock that
        this takes must not be held until some batch commits.
        """
        for day in sorted(self.unknown(days)):
            await connection.execute("select raw.ensure_partition(%s::date)", (day,))
            self.learn(day)

    def unknown(self, days: Iterable[str]) -> set[str]:
        """Those of `days` that may have no partition."""
        return set(days) - self._known

    def learn(self, day: str) -> None:
        """This day has a partition."""
        if len(self._known) >= MAX_KNOWN_DAYS:
            self._known.clear()
        self._known.add(day)

    def forget(self, days: Iterable[str]) -> None:
        """Somebody dropped one of these partitions: ask the database again."""
        self._known.difference_update(days)


class NewDays:
    """Makes the partitions of a request before its events reach the writer.

    The writer's connection would hold up everybody's commits for as long as that takes.
    """

    def __init__(self, pool: AsyncConnectionPool, partitions: Partitions) -> None:
        self._pool = pool
        self._partitions = partitions
        self._one_at_a_time = asyncio.Semaphore()

    async def make(self, days: Iterable[str], most: int | None) -> set[str]:
        """Make what is missing, newest first, `most` at a time; the days that are too many.

        If the database is away nothing is made: the writer meets the same, and spools.
        """
        unknown = self._partitions.unknown(days)
        if not unknown:
            return set()
        async with self._one_at_a_time:
            try:
                async with self._pool.connection() as connection:
                    existing = await connection.execute(EXISTING, (list(unknown),))
                    for (day,) in await existing.fetchall():
                        self._partitions.learn(day)
                    missing = sorted(self._partitions.unknown(unknown), reverse=True)
                    await self._partitions.ensure(connection, missing[:most])
                    return set() if most is None else set(missing[most:])
            except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
                return set()


def day_of(row: EventRow) -> str:
    """UTC day of a row, `YYYY-MM-DD`."""
    return row.occurred_at[:10]
