"""The dashboards API. Run it with `uvicorn dashboards_api.app:create_app --factory`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from operator import attrgetter

from fastapi import FastAPI
from starlette.middleware import Middleware

from dashboards_api import description, health
from dashboards_api.assets import routes as assets
from dashboards_api.brands import routes as brands
from dashboards_api.cache import Cache
from dashboards_api.creators import routes as creators
from dashboards_api.database import create_pool, create_state_pool
from dashboards_api.entities import routes as entities
from dashboards_api.exports import routes as exports
from dashboards_api.exports.worker import Worker
from dashboards_api.invalidation import listening
from dashboards_api.observability import RequestMetrics
from dashboards_api.platform import routes as platform
from dashboards_api.privacy import routes as privacy
from dashboards_api.problems import PROBLEMS
from dashboards_api.query import routes as query
from dashboards_api.reports import routes as reports
from eventmill.core import logs
from eventmill.core.database import database_url
from eventmill.core.settings import get_settings
from eventmill.http import docs_page, operation, proxies
from eventmill.http.guard import Guard
from eventmill.http.requests import PRIVATE, ObservedRequests

log = logging.getLogger("eventmill.dashboards.requests")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = create_pool(database_url())
    app.state.metrics.watch(pool)
    state_pool = create_state_pool(database_url())
    await pool.open(wait=False)
    await state_pool.open(wait=False)
    app.state.pool, app.state.state_pool = pool, state_pool
    app.state.cache = Cache(get_settings().cache_mb * 2**20, app.state.metrics.registry)
    app.state.export_worker = Worker()
    app.state.export_worker.start()
    try:
        async with listening(database_url(), app.state.cache):
            yield
    finally:
        await asyncio.to_thread(app.state.export_worker.stop)
        await pool.close()
        await state_pool.close()


def create_app() -> FastAPI:
    """The application. Nothing is connected before its lifespan starts."""
    logs.configure()
    metrics = RequestMetrics()
    app = FastAPI(
        title="Eventmill dashboards",
        version=version("eventmill"),
        description=description.ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=description.TAGS,
        # The name of the operation in generated clients.
        generate_unique_id_function=attrgetter("name"),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        # The first is the outermost.
        middleware=[
            *proxies.middleware(),
            Middleware(ObservedRequests, log=log, count=metrics.count, headers=PRIVATE),
            Middleware(
                Guard, problems=PROBLEMS, log=log, max_body_bytes=description.MAX_BODY_BYTES
            ),
        ],
    )
    app.state.metrics, app.state.collect = metrics, metrics.collect
    PROBLEMS.install(app)
    description.install(app)
    for module in (
        assets, creators, brands, platform, query, reports, entities, exports, privacy,
        operation, health, docs_page,
    ):  # fmt: skip
        app.include_router(module.router)
    return app
