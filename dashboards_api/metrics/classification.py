"""Live events may carry user agents and referrers that no run has classified yet.

They are classified before they are counted, so a bot that came for the first time a second ago is
no visitor. Built days need none of this: a run classifies before it builds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import psycopg
from psycopg import AsyncConnection

from dashboards_api.database import AWAY, Pool, snapshot
from dashboards_api.metrics.queries import unclassified_values
from dashboards_api.metrics.scopes import Scope
from eventmill.core.database import connect
from eventmill.core.days import DayWindow
from eventmill.core.enrichment.referrers import store_referrers
from eventmill.core.enrichment.user_agents import store_user_agents
from eventmill.core.errors import ConfigurationError, Unavailable

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Read(Generic[Answer]):
    """An answer, whose numbers it has, and the windows with values that are not classified."""

    answer: Answer
    scope: Scope
    unclassified: Sequence[DayWindow]


async def read_classified(
    pool: Pool,
    read: Callable[[AsyncConnection], Awaitable[Read[Answer]]],
) -> Answer:
    """The answer of `read`, in one snapshot, with every value that it meets classified.

    If it met values that are not, those are classified and it reads again, once: values that arrive
    in between wait for the next call.
    """
    async with snapshot(pool) as connection:
        found = await read(connection)
    if not found.unclassified:
        return found.answer
    async with snapshot(pool) as connection:
        values = [
            await unclassified_values(connection, found.scope, window)
            for window in found.unclassified
        ]
    user_agents = {value for agents, _ in values for value in agents}
    domains = {value for _, found_domains in values for value in found_domains}
    # In a thread: the first use compiles thousands of patterns.
    await asyncio.to_thread(_store, user_agents, domains)
    async with snapshot(pool) as connection:
        return (await read(connection)).answer


def _store(user_agents: Iterable[str], domains: Iterable[str]) -> None:
    try:
        with connect(application="eventmill-dashboards") as connection:
            store_user_agents(connection, user_agents)
            store_referrers(connection, domains)
    except (ConfigurationError, psycopg.OperationalError) as error:
        raise Unavailable(AWAY) from error
