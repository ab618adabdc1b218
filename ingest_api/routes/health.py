"""/readyz: whether the service can take events."""

from typing import Any

from fastapi import APIRouter, Request

from eventmill.core.errors import Unavailable
from ingest_api.openapi import PROBLEMS
from ingest_api.readiness import readiness

UNREADY = PROBLEMS.described(Unavailable("no PostgreSQL at …; and the spool cannot take events"))

router = APIRouter(tags=["operation"])


@router.get("/readyz", summary="Can it take events?", responses=UNREADY)
async def readyz(request: Request) -> dict[str, Any]:
    """503 only if neither the database nor the spool can take events.

    `status` is `spooling`, with what is wrong as `detail`, while the database cannot. `plan` is the
    tracking plan in force; `plan_problem` says why its file, which is broken, is not.
    """
    state = request.app.state
    return {**await readiness(state.pool, state.spool), **state.plan_watch.state()}
