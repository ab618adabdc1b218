"""What all routes of cached answers share: who calls, whether they may, and the answer.

A route declares `call: OneCall` (or `OneAdminCall`), its path and its parameters, and names the
function of its service.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response

from dashboards_api.authentication import Admin, Viewer
from dashboards_api.authorization import require
from dashboards_api.cache import (
    ASSET_SECONDS,
    CACHED_ANSWER,
    OWNER_SECONDS,
    PLATFORM_SECONDS,
    PLATFORM_TAG,
    Answer,
    Cache,
    scope_of,
    tag_of,
)
from dashboards_api.database import Pool
from dashboards_api.problems import METRICS_PROBLEMS, answers
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import DayWindow
from eventmill.core.errors import EventmillError

# How long an answer about each kind of entity is kept.
SECONDS = {"asset": ASSET_SECONDS, "creator": OWNER_SECONDS, "brand": OWNER_SECONDS}


def cached(*errors: EventmillError) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: a cached answer, and what it may answer instead."""
    return {**CACHED_ANSWER, **METRICS_PROBLEMS, **answers(*errors)}


@dataclass(frozen=True, slots=True)
class Call:
    """FastAPI dependency: a request of somebody with a token, and what it is answered with."""

    request: Request
    caller: Viewer

    @property
    def pool(self) -> Pool:
        pool: Pool = self.request.app.state.pool
        return pool

    @property
    def brand_id(self) -> str | None:
        """Of a brand that calls."""
        return self.caller.brand_id if self.caller.role == "brand" else None

    @property
    def cache(self) -> Cache:
        cache: Cache = self.request.app.state.cache
        return cache

    async def about(
        self,
        thing: Literal["asset", "creator", "brand"],
        identifier: str,
        compute: Callable[..., Awaitable[Answer]],
        asked: MetricsRange,
        *more: Hashable,
    ) -> Response:
        """`compute(pool, identifier, asked, *more)`, if the caller may see the thing.

        Whoever may see it and has the same `more` sees the same. Raises what
        `authorization.require` raises.
        """
        tags = (f"{thing}:{identifier}",)
        check = partial(require, self.pool, self.caller, thing, identifier)
        await self.cache.allow(self.caller, (thing, identifier), tags=tags, check=check)
        # Which projects a brand has decides what it sees of an asset.
        own = (tag_of(self.caller),) if self.brand_id else ()
        return await self.cache.answer(
            self.request,
            key=(compute.__name__, identifier, asked, *more),
            ttl=SECONDS[thing],
            tags=tags + own,
            days=asked.all_days,
            compute=partial(compute, self.pool, identifier, asked, *more),
        )

    async def own(
        self, name: str, compute: Callable[[], Awaitable[Answer]], days: DayWindow, *key: Hashable
    ) -> Response:
        """`compute()`, which counts only rows that the caller may see; `key` is what was asked."""
        return await self.cache.answer(
            self.request,
            key=(name, *scope_of(self.caller), *key),
            ttl=PLATFORM_SECONDS if self.caller.role == "admin" else OWNER_SECONDS,
            tags=(tag_of(self.caller),),
            days=days,
            compute=compute,
        )


@dataclass(frozen=True, slots=True)
class AdminCall(Call):
    """The same for admins only."""

    caller: Admin

    async def platform(
        self,
        compute: Callable[..., Awaitable[Answer]],
        asked: MetricsRange,
        days: DayWindow | None,
    ) -> Response:
        """`compute(pool, asked)`, in which are `days`; None: any day."""
        return await self.cache.answer(
            self.request,
            key=(compute.__name__, asked),
            ttl=PLATFORM_SECONDS,
            tags=(PLATFORM_TAG,),
            days=days,
            compute=partial(compute, self.pool, asked),
        )


OneCall = Annotated[Call, Depends(Call)]
OneAdminCall = Annotated[AdminCall, Depends(AdminCall)]
