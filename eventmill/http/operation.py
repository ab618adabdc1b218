"""`/healthz` (the process lives) and `/metrics` (Prometheus) of both APIs.

`/readyz` is each API's own.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel, Field
from starlette.responses import Response

router = APIRouter(tags=["operation"])

Collect = Callable[[], Awaitable[CollectorRegistry]]
"""`app.state.collect`: the metrics as they are now."""


class Health(BaseModel):
    """That it is well: nothing else is answered with 200."""

    status: Literal["ok"] = Field("ok", description="Always `ok`.", examples=["ok"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives. It asks nobody else: a restart would not mend the database."""
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
    """Prometheus metrics of the service."""
    collect: Collect = request.app.state.collect
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(await collect()), headers={"Content-Type": content_type})
