"""Receives what changed: one connection per process that listens (LISTEN), and its messages.

A trigger sends the message in the transaction that makes the change (0019_notify.sql), so it
arrives when the change is visible. It is JSON with any of these:

    {"tags": ["asset:a1", "brand:acme"]}        lifecycle events were added or removed
    {"days": ["2025-01-01", "2025-01-31"]}      numbers of these days changed, both inclusive
    {"definition": "0f34…"}                     dbt made the views anew
    {"everything": true}

A message that cannot be read counts as everything.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date

import psycopg
from psycopg import AsyncConnection, errors

from dashboards_api.cache import Cache
from dashboards_api.cache_store import EVERYTHING, Change
from eventmill.core.days import DayWindow
from eventmill.core.errors import ConfigurationError

LISTEN = "listen eventmill_changes"
DEFINITION = "select min(definition) from marts.metric_definitions"
APPLICATION = "eventmill-dashboards-changes"

# A server that vanished without a word is found out within both together.
HEARTBEAT_SECONDS = 5.0
ANSWER_SECONDS = 5.0
# Between attempts to connect: at first often, as a server that restarts is back soon.
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(conninfo: str, cache: Cache) -> AsyncIterator[None]:
    """Tell `cache` every change, for as long as the context lasts."""
    task = asyncio.create_task(_listen_for_ever(conninfo, cache))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listen_for_ever(conninfo: str, cache: Cache) -> None:
    wait = FIRST_WAIT
    while True:
        try:
            async with await AsyncConnection.connect(
                conninfo,
                autocommit=True,
                connect_timeout=int(ANSWER_SECONDS),
                application_name=APPLICATION,
            ) as connection:
                await connection.execute(LISTEN)
                cache.begin(await _definition(connection))
                wait = FIRST_WAIT
                await _hear(connection, cache)
        except (psycopg.Error, OSError, TimeoutError) as error:
            _log.warning("not told of changes, so nothing is cached: %s", error)
        finally:
            cache.end()
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


async def _definition(connection: AsyncConnection) -> str | None:
    try:
        cursor = await connection.execute(DEFINITION)
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None  # dbt tells when it has made the view
    [(definition,)] = await cursor.fetchall()
    return str(definition)


async def _hear(connection: AsyncConnection, cache: Cache) -> None:
    """Pass on what is heard. Raises when the connection is lost."""
    while True:
        async for heard in connection.notifies(timeout=HEARTBEAT_SECONDS):
            tell(cache, heard.payload)
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.execute("select 1")


def tell(cache: Cache, payload: str) -> None:
    """Tell `cache` what a message says."""
    try:
        message = json.loads(payload)
        tags, days, definition = map(message.get, ("tags", "days", "definition"))
        if definition is not None:
            cache.define(str(definition))
        if tags:
            cache.change(Change(tags=frozenset(map(str, tags))), "tags")
        if days:
            first, last = map(date.fromisoformat, days)
            cache.change(Change(days=DayWindow(first, last)), "days")
        is_understood = bool(definition or tags or days) and not message.get("everything")
    except (ValueError, TypeError, AttributeError, ConfigurationError):
        is_understood = False
    if not is_understood:
        cache.change(EVERYTHING, "everything")
