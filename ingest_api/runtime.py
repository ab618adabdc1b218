"""The parts of the service put together: for the HTTP application and for the command line."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from ingest_api.commits import Commits
from ingest_api.countries import Countries
from ingest_api.drain import Drain
from ingest_api.metrics import Metrics
from ingest_api.partitions import NewDays, Partitions
from ingest_api.service import IngestService
from ingest_api.spool import Spool
from ingest_api.visitors import VisitorSalts
from ingest_api.writer import Writer

STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Runtime:
    pool: AsyncConnectionPool
    """For everything but events; its connections are in autocommit mode."""
    partitions: Partitions
    salts: VisitorSalts
    spool: Spool | None
    service: IngestService


@asynccontextmanager
async def runtime(url: str, metrics: Metrics, spool: Spool | None = None) -> AsyncIterator[Runtime]:
    """A running service on the database at `url`, which need not answer yet.

    Without a spool nothing is accepted while the database is away: a command line says so and is
    run again, where a client on the network could only lose its events.
    """
    # Maintenance says once that the database is away; the pool would say it at each attempt.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=4,
        open=False,
        timeout=2,
        reconnect_timeout=5,
        kwargs={"autocommit": True, "application_name": "eventmill-ingest", "connect_timeout": 2},
        check=AsyncConnectionPool.check_connection,
    )
    partitions = Partitions()
    salts = VisitorSalts(pool, spool)
    writer = Writer(Commits(url, partitions, metrics), spool, metrics)
    await pool.open(wait=False)
    writer.start()
    try:
        new_days = NewDays(pool, partitions)
        service = IngestService(writer, new_days, salts, Countries(), metrics)
        async with _drained(spool, Commits(url, partitions, metrics), salts):
            yield Runtime(pool, partitions, salts, spool, service)
    finally:
        await writer.stop()
        if spool is not None:
            await spool.close()
        await pool.close()


@asynccontextmanager
async def _drained(
    spool: Spool | None, commits: Commits, salts: VisitorSalts
) -> AsyncIterator[None]:
    """Inside the block, what waits in the spool is brought into the database."""
    if spool is None:
        yield
        return
    drain = Drain(spool, commits, salts)
    task = asyncio.create_task(drain.run())
    try:
        yield
    finally:
        drain.stop()
        # A server that does not answer must not hold the end up. What waits is on the disk.
        await asyncio.wait({task}, timeout=STOP_SECONDS)
        task.cancel()
        await asyncio.wait({task})
        await commits.close()
