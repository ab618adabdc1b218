"""Keeps finished answers in this process, and drops them as soon as they change.

An entry is found by the route, the caller's scope, what was asked (days, never `period=30d`), the
UTC day and the metric definitions in use. `invalidation.py` receives what changed. While it does
not receive changes, nothing is kept. A failure of the cache counts as a miss. See
docs/decisions/0017.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge

from dashboards_api.cache_store import EVERYTHING, Basis, Change, Finished, Key, Store
from dashboards_api.metrics.schemas import Meta
from eventmill.core.days import DayWindow, utc_today
from eventmill.core.tokens import Caller

# How long an answer about whom may be old, if nothing tells that it changed: live events do not.
ASSET_SECONDS = 5 * 60
OWNER_SECONDS = 10 * 60
PLATFORM_SECONDS = 60 * 60
DECISION_SECONDS = 5 * 60

PLATFORM_TAG = "platform"
DECISION = "decision"
# A client may keep the answer and must ask each time whether it still holds: a license may have
# ended, and whoever may see the answer is decided before 304 is said.
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
# For a route's `responses`.
CACHED_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "ETag": {
                "description": "Send it as `If-None-Match` to be told 304 when nothing changed.",
                "schema": {"type": "string"},
            },
            "Cache-Control": {"schema": {"type": "string"}, "example": HEADERS["Cache-Control"]},
        }
    },
    304: {"description": "The answer is the one that `If-None-Match` names."},
}
_ALLOWED = Finished(b"", b"", "")

Result = TypeVar("Result")


class Answer(Protocol):
    """A pydantic model that says how fresh it is."""

    @property
    def meta(self) -> Meta: ...

    def model_dump_json(self, *, exclude_unset: bool) -> str: ...


@dataclass(slots=True)
class _Flight:
    """A computation that is under way, for everybody who asks for the same meanwhile."""

    task: asyncio.Task[Finished]
    basis: Basis


def scope_of(caller: Caller) -> tuple[str, ...]:
    """For a key: who sees the same as `caller`."""
    match caller.role:
        case "admin":
            return ("admin",)
        case "creator":
            return ("creator", caller.sub)
        case "brand":
            return ("brand", str(caller.brand_id))


def tag_of(caller: Caller) -> str:
    """The tag of what belongs to `caller`; an admin sees what belongs to the platform."""
    scope = scope_of(caller)
    return PLATFORM_TAG if scope == ("admin",) else ":".join(scope)


class Cache:
    """The cache of one process. Not for use from several threads."""

    def __init__(self, max_bytes: int, registry: CollectorRegistry) -> None:
        """With `max_bytes` 0 nothing is kept."""
        self._store = Store(max_bytes)
        self._flights: dict[Key, _Flight] = {}
        self._is_listening = False
        self._definition: str | None = None
        self._count(registry)

    def _count(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"eventmill_dashboards_cache_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, read: Callable[[], float]) -> None:
            found = Gauge(f"eventmill_dashboards_cache_{name}", text, registry=registry)
            found.set_function(read)

        self._hits = counter("hits", "Answers from the cache, by route.", "route")
        self._misses = counter("misses", "Answers that had to be computed, by route.", "route")
        self._changes = counter("invalidations", "Changes that were told, by kind.", "kind")
        self._dropped = counter("dropped", "Entries forgotten because of a change.")
        self._failures = counter("failures", "Defects of the cache; each was a miss.")
        gauge("entries", "Answers in memory.", lambda: len(self._store))
        gauge("bytes", "Memory that they take.", lambda: self._store.size)
        gauge("listening", "1 while changes are told to this process.", lambda: self._is_listening)

    async def answer(
        self,
        request: Request,
        *,
        key: tuple[Hashable, ...],
        ttl: float,
        tags: Iterable[str],
        days: DayWindow | None,
        compute: Callable[[], Awaitable[Answer]],
    ) -> Response:
        """The answer of `compute`, or the same from before; 304 if the caller has it already.

        `key`: the route's name (one of a fixed few: it becomes a metric's label), then all that
        the answer depends on: `scope_of(caller)`, ids, days, interval, …. `ttl` in seconds.
        `tags`: the entities whose licenses, uploads and projects change it (`asset:ID`,
        `creator:ID`, `brand:ID`, `project:ID`, `platform`). `days`: all days that are in it, those
        of the period before included; None: any day. Whether the caller may see the answer is
        decided before (`allow`). Raises what `compute` raises, which is not kept.
        """
        basis = Basis(frozenset(tags), days)
        finished, is_hit = await self._finish(key, ttl, basis, partial(_render, compute))
        body = finished.cached_body if is_hit else finished.body
        if request.method not in ("GET", "HEAD"):
            return Response(body, media_type="application/json")
        headers = {**HEADERS, "ETag": finished.etag}
        if _is_known(finished.etag, request.headers.getlist("if-none-match")):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def allow(
        self,
        caller: Caller,
        entity: tuple[str, ...],
        *,
        tags: Iterable[str],
        check: Callable[[], Awaitable[None]],
    ) -> None:
        """Return if `check` (one of `authorization.require`) does, or did for the same caller.

        `entity` is what it is about, such as `("asset", asset_id)`. Kept for DECISION_SECONDS,
        until the UTC day ends, or until an event of an entity of `tags` or of the caller's own
        comes. Raises what `check` raises: a refusal is not kept.
        """

        async def decide() -> Finished:
            await check()
            return _ALLOWED

        basis = Basis(frozenset({*tags, tag_of(caller)} - {PLATFORM_TAG}), None)
        key = (DECISION, *scope_of(caller), *entity)
        await self._finish(key, DECISION_SECONDS, basis, decide)

    def begin(self, definition: str | None) -> None:
        """From now on every change is told; `definition` is the one in use."""
        self.change(EVERYTHING, "connection")
        self._definition = definition
        self._is_listening = True

    def end(self) -> None:
        """Changes may be missed from now on: forget all, keep nothing."""
        self._is_listening = False
        self.change(EVERYTHING, "connection")

    def define(self, definition: str) -> None:
        """The metric definitions in use are these."""
        if definition != self._definition:
            self._definition = definition
            self.change(EVERYTHING, "definition")

    def change(self, change: Change, kind: str) -> None:
        """Forget what `change` concerns; what is being computed is answered, and not kept."""
        for key, flight in list(self._flights.items()):
            if flight.basis.changed_by(change):
                del self._flights[key]  # so who asks from now on asks anew
        self._dropped.inc(self._guarded(lambda: self._store.drop(change)) or 0)
        self._changes.labels(kind).inc()

    async def _finish(
        self,
        key: tuple[Hashable, ...],
        ttl: float,
        basis: Basis,
        work: Callable[[], Awaitable[Finished]],
    ) -> tuple[Finished, bool]:
        """What `work` gives, and whether it was there already."""
        route = str(key[0])
        # Terms begin and end at midnight, and the day that is counted live is another.
        key = (utc_today(), self._definition, *key)
        found = self._guarded(lambda: self._store.get(key)) if self._is_listening else None
        if found is not None:
            self._hits.labels(route).inc()
            return found, True
        self._misses.labels(route).inc()
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.ensure_future(self._fly(key, ttl, work))
            # Whoever waited may be gone when it fails.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            flight = self._flights[key] = _Flight(task, basis)
        # Whoever gives up must not take the others along.
        return await asyncio.shield(flight.task), False

    async def _fly(self, key: Key, ttl: float, work: Callable[[], Awaitable[Finished]]) -> Finished:
        try:
            finished = await work()
        finally:
            # Gone, or another's, if a change came meanwhile.
            flight = self._flights.get(key)
            is_current = flight is not None and flight.task is asyncio.current_task()
            if is_current:
                del self._flights[key]
        if flight is not None and is_current and self._is_listening:
            basis = flight.basis
            self._guarded(lambda: self._store.put(key, finished, basis, ttl))
        return finished

    def _guarded(self, operation: Callable[[], Result]) -> Result | None:
        """A defect of the store costs time, never an answer, and lets no old one live."""
        try:
            return operation()
        except Exception:
            logging.getLogger(__name__).exception("the cache failed and begins anew")
            self._failures.inc()
            self._store = Store(self._store.max_bytes)
            return None


async def _render(compute: Callable[[], Awaitable[Answer]]) -> Finished:
    answer = await compute()
    answer.meta.cached = False
    body = answer.model_dump_json(exclude_unset=True).encode()
    # A string's quotes are escaped and no other field has the name, so this is `meta.cached`.
    cached_body = body.replace(b'"cached":false', b'"cached":true')
    # Weak: both bodies have it, and they differ in `meta.cached`.
    etag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return Finished(body, cached_body, etag)


def _is_known(etag: str, given: list[str]) -> bool:
    """Whether `If-None-Match` names `etag`, compared weakly (RFC 9110, 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for line in given for tag in line.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags
