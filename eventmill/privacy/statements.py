"""One statement and what came of it: its rows, or how many rows it changed."""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.abc import QueryNoTemplate

Parameters = Mapping[str, Any] | None


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
