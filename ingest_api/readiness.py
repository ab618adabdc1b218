"""Whether events can be stored: in the database, or in the spool while the database is away."""

from typing import Any

import psycopg
from prometheus_client import CollectorRegistry
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.core.database import describe
from eventmill.core.errors import Unavailable
from eventmill.core.migrate import available
from ingest_api.metrics import Metrics
from ingest_api.patience import within
from ingest_api.spool import Spool, SpoolUnavailable
from ingest_api.spool_file import SpoolFile

SECONDS = 2


async def check_ready(pool: AsyncConnectionPool) -> None:
    """Whether the database answers and has the migrations of this version.

    Raises Unavailable that says what is missing and what to do.
    """
    try:
        applied = await within(SECONDS, _applied(pool))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        applied = set()
    except (psycopg.Error, PoolTimeout, TimeoutError):
        raise Unavailable(f"no PostgreSQL at {describe(str(pool.conninfo))}") from None
    if missing := sorted(available().keys() - applied):
        raise Unavailable(f"the database lacks migration {missing[0]}: run `eventmill migrate`")


async def readiness(pool: AsyncConnectionPool, spool: Spool) -> dict[str, Any]:
    """What /readyz says: `ready`, or `spooling` while accepted events wait for the database.

    Raises Unavailable if neither the database nor the spool can take an event.
    """
    problem = None
    try:
        await check_ready(pool)
    except Unavailable as error:
        problem = str(error)
    try:
        state = await spool.run(SpoolFile.state)
    except SpoolUnavailable:
        state = None
    if problem is not None and (state is None or not spool.can_take):
        raise Unavailable(f"{problem}; and the spool cannot take events")
    if problem is None and state is not None and not state.batches:
        return {"status": "ready"}
    found: dict[str, Any] = {"status": "ready" if problem is None else "spooling"}
    if problem is not None:
        found["detail"] = problem
    found["spool"] = "unavailable"
    if state is not None:
        age = round(state.age_seconds)
        found["spool"] = {"events": state.events, "bytes": state.bytes, "oldest_seconds": age}
    return found


async def collect(spool: Spool, metrics: Metrics) -> CollectorRegistry:
    """The metrics as they are now, the spool's gauges among them."""
    try:
        state = await spool.run(SpoolFile.state)
    except SpoolUnavailable:
        metrics.spool_usable.set(0)
    else:
        metrics.spool_usable.set(1 if spool.can_take else 0)
        metrics.spool_events.set(state.events)
        metrics.spool_bytes.set(state.bytes)
        metrics.spool_age.set(state.age_seconds)
    return metrics.collected()


async def _applied(pool: AsyncConnectionPool) -> set[str]:
    async with pool.connection(timeout=SECONDS) as connection:
        cursor = await connection.execute("select name from ops.migrations")
        return {name for (name,) in await cursor.fetchall()}
