"""Classifies user agents and referrers of live events that no run has classified yet.

This happens before the events are counted, so a bot that came for the first time a second ago is
not counted as a visitor. Nothing is stored: `int_events` takes the rows from a setting of the
transaction (docs/decisions/0029-reading-writes-nothing.md). Built days need none of this.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson
from psycopg import AsyncConnection

from dashboards_api.database import Pool, snapshot
from dashboards_api.metrics.queries import unclassified_values
from dashboards_api.metrics.scopes import Scope
from eventmill.core.days import DayWindow
from eventmill.core.enrichment.referrers import Referrer, classify_referrers
from eventmill.core.enrichment.user_agents import UserAgent, classify_user_agents

Answer = TypeVar("Answer")

HAND_OVER = """
select
    set_config('eventmill.unstored_user_agents', %s, true),
    set_config('eventmill.unstored_referrers', %s, true)
"""
# What is kept is handed over with each read, which then finds nothing new and reads once. So it has
# to be little, and is forgotten before long, as runs store the values.
MOST_KEPT = 1_000
KEPT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Read(Generic[Answer]):
    """An answer, whose numbers it has, and the windows with values that are not classified."""

    answer: Answer
    scope: Scope
    unclassified: Sequence[DayWindow]


@dataclass(slots=True)
class _Classified:
    """Values that this process has classified, and the same as the database takes them."""

    user_agents: dict[str, UserAgent] = field(default_factory=dict)
    referrers: dict[str, Referrer] = field(default_factory=dict)
    as_json: tuple[str, str] = ("[]", "[]")
    since: float = field(default_factory=time.monotonic)

    def __len__(self) -> int:
        return len(self.user_agents) + len(self.referrers)

    async def add(self, user_agents: Iterable[str], domains: Iterable[str]) -> None:
        # In a thread: the first use compiles thousands of patterns.
        agents = await asyncio.to_thread(classify_user_agents, user_agents)
        referrers = await asyncio.to_thread(classify_referrers, domains)
        self.user_agents |= {row.user_agent: row for row in agents}
        self.referrers |= {row.referrer_domain: row for row in referrers}
        self.as_json = _json(self.user_agents.values()), _json(self.referrers.values())

    def is_to_keep(self) -> bool:
        return len(self) <= MOST_KEPT and time.monotonic() < self.since + KEPT_SECONDS


_kept = _Classified()


async def read_classified(
    pool: Pool,
    read: Callable[[AsyncConnection], Awaitable[Read[Answer]]],
) -> Answer:
    """The answer of `read`, in one snapshot, with every value that it meets classified.

    If it meets values that are not, those are classified and it reads again.
    """
    global _kept
    if not _kept.is_to_keep():
        _kept = _Classified()
    known = _kept
    async with snapshot(pool) as connection:
        if known:
            await connection.execute(HAND_OVER, known.as_json)
        found = await read(connection)
        if found.unclassified:
            values = [
                await unclassified_values(connection, found.scope, window)
                for window in found.unclassified
            ]
            user_agents, domains = (set().union(*both) for both in zip(*values, strict=True))
            await known.add(user_agents, domains)
            await connection.execute(HAND_OVER, known.as_json)
            found = await read(connection)
    return found.answer


def _json(rows: Iterable[object]) -> str:
    return orjson.dumps(list(rows)).decode()
