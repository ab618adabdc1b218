"""Live events may carry user agents and referrers that no run has classified yet.

They are classified before they are counted, so a bot that came for the first time a second ago is
no visitor. Built days need none of this: a run classifies before it builds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection

from dashboards_api.database import AWAY, Pool, snapshot
from dashboards_api.metrics.queries import unclassified_values
from dashboards_api.metrics.scopes import Scope
from eventmill.database import connect
from eventmill.days import DayWindow
from eventmill.errors import ConfigurationError, Unavailable
from eventmill.referrers import store_referrers
from eventmill.user_agents import store_user_agents

Answer = TypeVar("Answer")


async def read_classified(
    pool: Pool,
    scope: Scope,
    read: Callable[[AsyncConnection], Awaitable[tuple[Answer, list[DayWindow]]]],
) -> Answer:
    """The answer of `read`, in one snapshot, with every value that it meets classified.

    `read` returns its answer and the windows in which it met values that are not. Then those are
    classified and it reads again, once: values that arrive in between wait for the next call.
    """
    async with snapshot(pool) as connection:
        answer, unclassified = await read(connection)
    if not unclassified:
        return answer
    async with snapshot(pool) as connection:
        values = [await unclassified_values(connection, scope, w) for w in unclassified]
    user_agents = {value for found, _ in values for value in found}
    domains = {value for _, found in values for value in found}
    # In a thread: the first use compiles thousands of patterns.
    await asyncio.to_thread(_store, user_agents, domains)
    async with snapshot(pool) as connection:
        answer, _ = await read(connection)
    return answer


def _store(user_agents: Iterable[str], domains: Iterable[str]) -> None:
    try:
        with connect(application="eventmill-dashboards") as connection:
            store_user_agents(connection, user_agents)
            store_referrers(connection, domains)
    except (ConfigurationError, psycopg.OperationalError) as error:
        raise Unavailable(AWAY) from error
