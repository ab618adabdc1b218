"""The HTTP application. `python -m ingest_api` serves it."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from eventmill.core import logs
from eventmill.core.database import database_url
from eventmill.core.settings import get_settings
from eventmill.http import docs_page, operation, proxies
from eventmill.http.guard import Guard
from eventmill.http.requests import PUBLIC, ObservedRequests
from ingest_api import cors, openapi
from ingest_api.limits import Limits
from ingest_api.maintenance import Maintenance
from ingest_api.metrics import Metrics
from ingest_api.plan_watch import PlanWatch
from ingest_api.readiness import collect
from ingest_api.routes import events, example, health, segment, tracker
from ingest_api.runtime import runtime
from ingest_api.senders import Senders
from ingest_api.spool import Spool

log = logging.getLogger("eventmill.ingest.requests")


def create_app() -> FastAPI:
    """The application, configured by the settings. Nothing is opened before it starts."""
    logs.configure()
    metrics = Metrics()
    # The first is the outermost.
    middleware = [
        *proxies.middleware(),
        # At 2,500 requests a second a line for each answer would be what the disk is busy with.
        Middleware(
            ObservedRequests, log=log, count=metrics.count, headers=PUBLIC, success=logging.DEBUG
        ),
        cors.middleware(),
        Middleware(Guard, problems=openapi.PROBLEMS, log=log),
    ]
    app = _IngestApp(
        middleware,
        title="Eventmill ingest",
        summary="Send events; an answer of 200 means that they are stored durably.",
        version="1",
        lifespan=_lifespan,
        generate_unique_id_function=attrgetter("name"),
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = metrics
    app.state.limits = Limits()
    for module in (events, segment, tracker, operation, health, docs_page):
        app.include_router(module.router)
    if get_settings().example_page:
        app.include_router(example.router)
    openapi.PROBLEMS.install(app)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


class _IngestApp(FastAPI):
    """FastAPI, but for `POST /v1/events`, which goes through the middleware to its function.

    FastAPI's layers, which find nothing to read in this request and nothing to check in its answer,
    took a quarter of the CPU of a single event (docs/decisions/0011-ingest-throughput.md). The
    route is declared to FastAPI too, for the OpenAPI page and for other methods.
    """

    def __init__(self, middleware: Sequence[Middleware], **description: Any) -> None:
        super().__init__(middleware=middleware, **description)
        self._post_events: ASGIApp = events.post_events_directly
        for layer, arguments, options in reversed(middleware):
            self._post_events = layer(self._post_events, *arguments, **options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", events.ROUTE):
            scope["app"] = self
            await self._post_events(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _calm_garbage_collector() -> None:
    """Leave the modules' objects out of collections, and collect less often.

    Measured with single events: a quarter less CPU for each, p99 of 50 ms instead of 120 ms
    (docs/decisions/0003-group-commit.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    _calm_garbage_collector()
    settings = get_settings()
    plan_watch = app.state.plan_watch = PlanWatch(app.state.metrics)
    spool = Spool(settings.spool_folder, settings.spool_max_mb * 2**20)
    async with runtime(database_url(), app.state.metrics, spool) as running:
        app.state.service = running.service
        app.state.pool = running.pool
        app.state.spool = spool
        app.state.collect = partial(collect, spool, app.state.metrics)
        app.state.senders = Senders(running.pool)
        maintenance = Maintenance(running.pool, running.partitions, running.salts)
        parts = (maintenance, plan_watch, app.state.metrics, app.state.senders)
        tasks = [asyncio.create_task(part.run()) for part in parts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
