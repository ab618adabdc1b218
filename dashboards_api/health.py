"""Whether the service can answer."""

from fastapi import APIRouter, Request

from dashboards_api.database import AWAY, Pool, snapshot
from dashboards_api.problems import answers
from eventmill.core.errors import Unavailable
from eventmill.http.operation import Health

READY_SECONDS = 2

router = APIRouter(tags=["operation"])


@router.get("/readyz", responses=answers(Unavailable(AWAY)))
async def readyz(request: Request) -> Health:
    """The database answers, so calls can be answered."""
    pool: Pool = request.app.state.pool
    # Whoever asks this has little patience.
    async with snapshot(pool, min(READY_SECONDS, pool.timeout)) as connection:
        await connection.execute("select 1")
    return Health()
