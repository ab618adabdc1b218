"""What the service does regularly, besides answering requests.

It makes partitions for the days to come, destroys old salts, and removes rejected events that are
older than the retention.
"""

import asyncio
import logging
from typing import LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from eventmill.core.errors import Unavailable
from eventmill.core.settings import get_settings
from ingest_api.partitions import Partitions
from ingest_api.patience import within
from ingest_api.readiness import check_ready
from ingest_api.visitors import VisitorSalts

log = logging.getLogger("eventmill.ingest")

DAYS_AHEAD = 3
EVERY_SECONDS = 600
RETRY_SECONDS = 5
# Making a day's partition waits for transactions that hold a lock on raw.events.
SECONDS = 60

# Many at a time, in transactions of their own: what was removed stays so if time runs out. Workers
# that remove at the same time leave each other's rows alone.
EXPIRED_AT_ONCE = 5_000
REMOVE_EXPIRED: LiteralString = """
delete from raw.rejected_events
where rejected_id in (
    select rejected_id
    from raw.rejected_events
    where received_at < now() - make_interval(days => %s)
    limit %s
    for update skip locked
)
"""


class Maintenance:
    """Runs at start and every ten minutes; keeps trying while the database is away."""

    def __init__(
        self, pool: AsyncConnectionPool, partitions: Partitions, salts: VisitorSalts
    ) -> None:
        self._pool = pool
        self._partitions = partitions
        self._salts = salts

    async def run(self) -> None:
        """Until cancelled."""
        said = ""
        while True:
            pause = EVERY_SECONDS
            try:
                await self.once()
                said = ""
            except (psycopg.Error, PoolTimeout, TimeoutError, Unavailable) as error:
                pause = RETRY_SECONDS
                if str(error) != said:
                    said = str(error)
                    log.warning("not ready to store events: %s", said.strip().split("\n", 1)[0])
            await asyncio.sleep(pause)

    async def once(self) -> None:
        """Raises Unavailable, TimeoutError or what psycopg raises if the database is away."""
        await self._salts.forget_expired()
        await check_ready(self._pool)
        await within(SECONDS, self._in_database())

    async def _in_database(self) -> None:
        await self._salts.destroy_expired()
        today = utc_today()
        days = [day.isoformat() for day in DayWindow(today - ONE_DAY, today + DAYS_AHEAD * ONE_DAY)]
        async with self._pool.connection() as connection:
            await self._partitions.ensure(connection, days)
            await remove_expired(connection, get_settings().kept_rejected_days)


async def remove_expired(connection: psycopg.AsyncConnection, days: int) -> None:
    """Remove the rejected events that were received more than `days` ago."""
    removed, found = 0, EXPIRED_AT_ONCE
    while found == EXPIRED_AT_ONCE:
        found = (await connection.execute(REMOVE_EXPIRED, (days, EXPIRED_AT_ONCE))).rowcount
        removed += found
    if removed:
        log.info("removed %d rejected events that were older than %d days", removed, days)
