"""A cache by itself, and what is asked of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request, Response
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from dashboards_api.cache import Cache
from dashboards_api.metrics.schemas import Meta
from eventmill.core.days import DayWindow
from eventmill.core.tokens import Caller

MAY = DayWindow(date(2015, 5, 1), date(2015, 5, 31))
JUNE = DayWindow(date(2015, 6, 1), date(2015, 6, 30))
ANA = Caller("ana", "creator")


class Numbers(BaseModel):
    text: str
    meta: Meta


class Source:
    """What is asked for the numbers: counts how often, and waits until it is let go."""

    def __init__(self, text: str = "0") -> None:
        self.text = text
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Numbers:
        self.asked += 1
        text = self.text
        await self.gate.wait()
        meta = Meta(
            as_of=datetime(2015, 5, 20, tzinfo=UTC),
            built_through=None,
            definition="d",
            cached=False,
        )
        return Numbers(text=text, meta=meta)


def new_cache(max_bytes: int = 2**20, *, listening: bool = True) -> Cache:
    cache = Cache(max_bytes, CollectorRegistry())
    if listening:
        cache.begin("d")
    return cache


def request(**headers: str) -> Request:
    given = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "method": "GET", "headers": given})


async def ask(
    cache: Cache,
    source: Callable[[], Awaitable[Numbers]],
    *key: str,
    ttl: float = 60,
    tags: tuple[str, ...] = ("asset:a",),
    days: DayWindow | None = MAY,
    **headers: str,
) -> Response:
    return await cache.answer(
        request(**headers), key=("test", *key), ttl=ttl, tags=tags, days=days, compute=source
    )


def is_cached(response: Response) -> bool:
    cached: bool = json.loads(bytes(response.body))["meta"]["cached"]
    return cached


def scenario(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that is a coroutine."""

    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run
