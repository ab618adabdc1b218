"""Whether the database can take events: it answers, and it has the migrations of this version."""

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from eventmill.database import describe
from eventmill.errors import Unavailable
from eventmill.migrate import available

SECONDS = 2


async def check_ready(pool: AsyncConnectionPool) -> None:
    """Raises Unavailable that says what is missing and what to do."""
    try:
        async with pool.connection(timeout=SECONDS) as connection:
            cursor = await connection.execute("select name from ops.migrations")
            applied = {name for (name,) in await cursor.fetchall()}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        applied = set()
    except (psycopg.Error, PoolTimeout):
        raise Unavailable(f"no PostgreSQL at {describe(str(pool.conninfo))}") from None
    if missing := sorted(available().keys() - applied):
        raise Unavailable(f"the database lacks migration {missing[0]}: run `eventmill migrate`")
