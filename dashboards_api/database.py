"""The connection pool, and the one way to read: a consistent snapshot with a time limit."""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, LiteralString, TypeVar

import psycopg
from fastapi import Depends, Request
from psycopg import AsyncConnection, errors, sql
from psycopg.abc import QueryNoTemplate
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from eventmill.core.errors import Unavailable

POOL_SIZE = 10
STATE_POOL_SIZE = 4
# How long a request waits for a connection before it is told to come back later: a thousand people
# who come at once are served in line.
POOL_SECONDS = 10
# How long a lost server is waited for before the next request tries anew.
RECONNECT_SECONDS = 3
# After this the database cancels a query: nobody waits longer for a dashboard.
STATEMENT_SECONDS = 15

# What migration 0017 makes: it reads what dashboards are made of and writes nothing.
READER = "eventmill_reader"

AWAY = "the database does not answer in time"
NOT_READABLE = (
    f"the role {READER} may not read what this needs: grant it select on what another user made"
)
NO_VIEWS = (
    "the analytics views are missing or of another version: `eventmill up` creates them, and so"
    " does `eventmill backfill START END`"
)

# The role is the server's; what it may read is the database's own. Since PostgreSQL 16 who made a
# role is its member and yet may not become it.
CAN_BECOME_READER = """
select
    pg_has_role(
        oid,
        case
            when current_setting('server_version_num')::integer >= 160000 then 'set'
            else 'member'
        end
    )
    and has_schema_privilege(oid, to_regnamespace('raw')::oid, 'usage')
from pg_roles
where rolname = %(role)s
"""

log = logging.getLogger("eventmill.dashboards.database")

Pool = AsyncConnectionPool[AsyncConnection]
Prepare = Callable[[AsyncConnection], Awaitable[None]]
Row = TypeVar("Row")


def create_pool(conninfo: str) -> Pool:
    """A closed pool of connections that only read.

    It opens without waiting, so the API starts while the database is away.
    """
    return _closed_pool(conninfo, _configure, _begin, POOL_SIZE)


def create_state_pool(conninfo: str) -> Pool:
    """The same for what the API itself keeps: saved reports, exports, erasures, the audit log."""
    check = AsyncConnectionPool.check_connection
    return _closed_pool(conninfo, _limit, check, STATE_POOL_SIZE)


def _closed_pool(conninfo: str, configure: Prepare, check: Prepare, size: int) -> Pool:
    return AsyncConnectionPool(
        conninfo,
        # A query is prepared only where it says so. Planned for its own days it skips all other
        # partitions while planning; a prepared plan serves any days and visits every partition.
        kwargs={"application_name": "eventmill-dashboards", "prepare_threshold": sys.maxsize},
        min_size=1,
        max_size=size,
        timeout=POOL_SECONDS,
        # Give up soon: the next request then tries anew, instead of waiting for a long backoff
        # while the database is back already.
        reconnect_timeout=RECONNECT_SECONDS,
        configure=configure,
        check=check,
        open=False,
    )


async def _begin(connection: AsyncConnection) -> None:
    """Begin the transaction of whoever gets the connection.

    It has to begin anyway, and shows whether the server is still there: a check of its own would be
    one more round trip for each question. No moment is fixed before the first query.
    """
    await connection.execute("begin isolation level repeatable read read only")


async def _configure(connection: AsyncConnection) -> None:
    """Give up the rights to write, where the database has the role for it.

    Where it has not, because its user may not make roles, read-only transactions are what is left.
    """
    await _limit(connection)
    await connection.set_autocommit(True)  # `_begin` begins
    if await tuples(connection, CAN_BECOME_READER, {"role": READER}) == [(True,)]:
        await connection.execute(fill("set role {}", READER))
    else:
        log.debug("connections read without the role %s", READER)


async def _limit(connection: AsyncConnection) -> None:
    await connection.set_autocommit(True)
    await connection.execute(
        "select set_config('statement_timeout', %s, false), set_config('timezone', 'UTC', false)",
        (f"{STATEMENT_SECONDS}s",),
    )
    await connection.set_autocommit(False)


@asynccontextmanager
async def snapshot(pool: Pool, wait_seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
    """A connection in one transaction; of the reading pool its queries all see the same moment.

    It is waited for `wait_seconds`, else POOL_SECONDS. Committed at the end, unless an error is
    raised. Raises Unavailable when the database is away, all connections stay busy, a query takes
    longer than STATEMENT_SECONDS, or the views are not there yet.
    """
    try:
        async with pool.connection(wait_seconds) as connection:
            yield connection
    except errors.QueryCanceled:
        raise Unavailable(
            f"the query took longer than {STATEMENT_SECONDS} s: ask for fewer days"
        ) from None
    except (errors.UndefinedTable, errors.UndefinedColumn):
        raise Unavailable(NO_VIEWS) from None
    except errors.InsufficientPrivilege:
        raise Unavailable(NOT_READABLE) from None
    except psycopg.OperationalError:
        raise Unavailable(AWAY) from None


async def rows(
    connection: AsyncConnection,
    row: type[Row],
    query: QueryNoTemplate,
    parameters: Mapping[str, Any] | None = None,
) -> list[Row]:
    """The rows of a query whose columns are the fields of `row`."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def tuples(
    connection: AsyncConnection,
    query: QueryNoTemplate,
    parameters: Mapping[str, Any] | None = None,
    *,
    prepare: bool | None = None,
    binary: bool = False,
) -> list[tuple[Any, ...]]:
    """The rows of a query as plain tuples."""
    cursor = await connection.execute(query, parameters, prepare=prepare, binary=binary)
    return await cursor.fetchall()


def fill(
    template: LiteralString, *parts: str | sql.Composable | Iterable[str | sql.Composable]
) -> sql.Composed:
    """`template` with each `{}` filled: a text is an identifier, and a list stands with commas."""
    return sql.SQL(template).format(
        *(
            _part(one)
            if isinstance(one, str | sql.Composable)
            else sql.SQL(", ").join(map(_part, one))
            for one in parts
        )
    )


def _part(one: str | sql.Composable) -> sql.Composable:
    return sql.Identifier(one) if isinstance(one, str) else one


def conjunction(conditions: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(" and ").join([sql.SQL("true"), *conditions])


def group_by(columns: Iterable[str | sql.Composable]) -> sql.Composable:
    return fill("group by {}", found) if (found := list(columns)) else sql.SQL("")


async def _state_pool(request: Request) -> Pool:
    pool: Pool = request.app.state.state_pool
    return pool


StatePool = Annotated[Pool, Depends(_state_pool)]
