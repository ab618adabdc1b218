"""Daily partitions of `raw.events`, made before the first event of a day is stored."""

from collections.abc import Iterable

import psycopg

from eventmill.core.registry import EventRow

# More days than any one process meets; a log of years still fits.
MAX_KNOWN_DAYS = 20_000


class Partitions:
    """Which days are known to have a partition. Shared by the writers of one process."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def ensure(self, connection: psycopg.AsyncConnection, days: Iterable[str]) -> None:
        """Make the partitions of `days` (`YYYY-MM-DD`) that are missing.

        `connection` is in autocommit mode, so each is made in its own transaction: the lock that
        this takes must not be held until some batch commits.
        """
        for day in sorted(set(days) - self._known):
            await connection.execute("select raw.ensure_partition(%s::date)", (day,))
            if len(self._known) >= MAX_KNOWN_DAYS:
                self._known.clear()
            self._known.add(day)

    def forget(self, days: Iterable[str]) -> None:
        """Somebody dropped one of these partitions: ask the database again."""
        self._known.difference_update(days)


def day_of(row: EventRow) -> str:
    """UTC day of a row, `YYYY-MM-DD`."""
    return row.occurred_at[:10]
