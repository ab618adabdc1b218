"""/healthz, /readyz and /metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ingest_api.readiness import observe, readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Can it take events?")
async def readyz(request: Request) -> dict[str, Any]:
    """503 only if neither the database nor the spool can take events.

    `status` is `spooling`, with what is wrong as `detail`, while the database cannot. `plan` is the
    tracking plan in force; `plan_problem` says why its file, which is broken, is not.
    """
    state = request.app.state
    return {**await readiness(state.pool, state.spool), **state.plan_watch.state()}


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    found = request.app.state.metrics
    await observe(request.app.state.spool, found)
    return Response(found.render(), media_type=found.content_type)
