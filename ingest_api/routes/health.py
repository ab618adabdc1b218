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

    `status` is `spooling`, with what is wrong as `detail`, while the database cannot.
    """
    return await readiness(request.app.state.pool, request.app.state.spool)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    found = request.app.state.metrics
    await observe(request.app.state.spool, found)
    return Response(found.render(), media_type=found.content_type)
