"""The parts of the service put together: for the HTTP application and for imports alike."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from ingest_api.metrics import Metrics
from ingest_api.service import IngestService
from ingest_api.visitors import VisitorSalts
from ingest_api.writer import Writer


@dataclass(frozen=True, slots=True)
class Runtime:
    pool: AsyncConnectionPool
    """For everything but events; its connections are in autocommit mode."""
    writer: Writer
    salts: VisitorSalts
    service: IngestService


@asynccontextmanager
async def runtime(url: str, metrics: Metrics) -> AsyncIterator[Runtime]:
    """A running service on the database at `url`, which need not answer yet."""
    # Maintenance says once that the database is away; the pool would say it at each attempt.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=4,
        open=False,
        timeout=5,
        kwargs={"autocommit": True, "application_name": "eventmill-ingest"},
        check=AsyncConnectionPool.check_connection,
    )
    writer = Writer(url, metrics)
    salts = VisitorSalts(pool)
    await pool.open(wait=False)
    writer.start()
    try:
        yield Runtime(pool, writer, salts, IngestService(writer, salts, metrics))
    finally:
        await writer.stop()
        await pool.close()
