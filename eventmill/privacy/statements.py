"""A connection, and functions that run one statement and return its rows or the number of them."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.abc import QueryNoTemplate

from eventmill.core.database import database_url

Parameters = Mapping[str, Any] | None


async def connect_async() -> AsyncConnection:
    """A connection in autocommit mode. Reading or erasing a person may read every event that there
    is, so each has one of its own and no time limit."""
    return await AsyncConnection.connect(
        database_url(), autocommit=True, application_name="eventmill-subjects"
    )


async def fetch(
    connection: AsyncConnection, query: QueryNoTemplate, parameters: Parameters = None
) -> list[tuple[Any, ...]]:
    """All rows."""
    cursor = await connection.execute(query, parameters)
    return await cursor.fetchall()


async def change(
    connection: AsyncConnection, query: QueryNoTemplate, parameters: Parameters = None
) -> int:
    """How many rows were changed."""
    cursor = await connection.execute(query, parameters)
    return cursor.rowcount
