"""/healthz, /readyz and /metrics."""

from fastapi import APIRouter, Request, Response

from ingest_api.readiness import check_ready

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Can it store events?")
async def readyz(request: Request) -> dict[str, str]:
    """503 while the database is away or not migrated."""
    await check_ready(request.app.state.pool)
    return {"status": "ready"}


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    found = request.app.state.metrics
    return Response(found.render(), media_type=found.content_type)
