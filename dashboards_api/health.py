"""Whether the process lives, whether it can answer, and its Prometheus metrics."""

from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, Field
from starlette.responses import Response

from dashboards_api.database import AWAY, DatabasePool, snapshot
from dashboards_api.problems import answers
from eventmill.core.errors import Unavailable

READY_SECONDS = 2

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """That it is well: nothing else is answered with 200."""

    status: Literal["ok"] = Field("ok", description="Always `ok`.", examples=["ok"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives. It asks nobody else: a restart would not mend the database."""
    return Health()


@router.get("/readyz", responses=answers(Unavailable(AWAY)))
async def readyz(pool: DatabasePool) -> Health:
    """The database answers, so calls can be answered."""
    # Whoever asks this has little patience.
    async with snapshot(pool, min(READY_SECONDS, pool.timeout)) as connection:
        await connection.execute("select 1")
    return Health()


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus metrics",
        }
    },
)
async def metrics(request: Request) -> Response:
    """Answers by route and status, their times, the connection pool and the process."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(
        encode(request.app.state.metrics.registry), headers={"Content-Type": content_type}
    )
