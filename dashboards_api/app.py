"""The dashboards API. Run it with `uvicorn dashboards_api.app:create_app --factory`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from dashboards_api import description, health, observability, problems
from dashboards_api.assets import routes as assets
from dashboards_api.database import create_pool, create_state_pool
from dashboards_api.platform import routes as platform
from eventmill.database import database_url


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = create_pool(database_url())
    app.state.metrics.watch(pool)
    state_pool = create_state_pool(database_url())
    await pool.open(wait=False)
    await state_pool.open(wait=False)
    app.state.pool, app.state.state_pool = pool, state_pool
    try:
        yield
    finally:
        await pool.close()
        await state_pool.close()


def create_app() -> FastAPI:
    """The application. Nothing is connected before its lifespan starts."""
    app = FastAPI(
        title="Eventmill dashboards",
        version=version("eventmill"),
        description=description.ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=description.TAGS,
        generate_unique_id_function=description.operation_id,
        lifespan=_lifespan,
        redoc_url=None,
    )
    app.state.metrics = observability.RequestMetrics()
    app.add_middleware(observability.ObservedRequests, metrics=app.state.metrics)
    problems.install(app)
    description.install(app)
    for module in (assets, platform, health):
        app.include_router(module.router)
    return app
