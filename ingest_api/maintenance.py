"""What the service does beside answering: partitions for the days to come, old salts destroyed."""

import asyncio
import logging

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.days import ONE_DAY, DayWindow, utc_today
from eventmill.errors import Unavailable
from ingest_api.partitions import Partitions
from ingest_api.patience import within
from ingest_api.readiness import check_ready
from ingest_api.visitors import VisitorSalts

log = logging.getLogger("eventmill.ingest")

DAYS_AHEAD = 3
EVERY_SECONDS = 600
RETRY_SECONDS = 5
# Making a day's partition waits for whoever holds a lock on the events.
SECONDS = 60


class Maintenance:
    """Runs at start and every ten minutes; keeps trying while the database is away."""

    def __init__(
        self, pool: AsyncConnectionPool, partitions: Partitions, salts: VisitorSalts
    ) -> None:
        self._pool = pool
        self._partitions = partitions
        self._salts = salts
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop` is called."""
        said = ""
        while not self._stopping.is_set():
            pause = EVERY_SECONDS
            try:
                await self.once()
                said = ""
            except (psycopg.Error, PoolTimeout, TimeoutError, Unavailable) as error:
                pause = RETRY_SECONDS
                if str(error) != said:
                    said = str(error)
                    log.warning("not ready to store events: %s", said.strip().split("\n", 1)[0])
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

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

    def stop(self) -> None:
        self._stopping.set()
