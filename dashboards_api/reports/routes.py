"""`/v1/reports`: saving queries under a name and asking them again."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from dashboards_api.authentication import NO_TOKEN, Viewer
from dashboards_api.cache import CACHED_ANSWER
from dashboards_api.calls import OneCall
from dashboards_api.database import AWAY, StatePool
from dashboards_api.problems import answers
from dashboards_api.query.answers import QueryAnswer
from dashboards_api.query.routes import answer_question
from dashboards_api.query.schemas import MAX_LIMIT, MAX_OFFSET
from dashboards_api.reports import service
from dashboards_api.reports.schemas import Report, ReportBody, Reports
from eventmill.core.errors import FieldError, InvalidFields, Unavailable

router = APIRouter(tags=["reports"])

# Any text: what is no id of a report is not found, as any other.
ReportId = Annotated[
    str, Path(description="The report's id.", examples=["0c2c6b6e-6c1d-4a53-9b40-3b2f3fd8b0ad"])
]
TAKEN = InvalidFields([FieldError("name", "you have a report named 'Channels' already")])
PROBLEMS = answers(NO_TOKEN, TAKEN, Unavailable(AWAY))
PROBLEMS_OF_ONE: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    **answers(service.report_not_found()),
}


@router.post(
    "/v1/reports",
    status_code=HTTPStatus.CREATED,
    summary="Save a query",
    responses=PROBLEMS,
)
async def save_report(
    viewer: Viewer, body: ReportBody, pool: StatePool, response: Response
) -> Report:
    """Keep a query under a name. It is checked as if it were asked.

    It belongs to the creator or admin of the token, and of a brand to everybody with its
    `brand_id`. One owner keeps at most 200.
    """
    saved = await service.save(pool, viewer, body)
    response.headers["Location"] = f"/v1/reports/{saved.id}"
    return saved


@router.get("/v1/reports", summary="Your reports", responses=answers(NO_TOKEN, Unavailable(AWAY)))
async def list_reports(viewer: Viewer, pool: StatePool) -> Reports:
    """All of your reports, by name."""
    return await service.reports(pool, viewer)


@router.get("/v1/reports/{report_id}", summary="One report", responses=PROBLEMS_OF_ONE)
async def get_report(viewer: Viewer, report_id: ReportId, pool: StatePool) -> Report:
    """A report of yours. Somebody else's does not exist: the answer is the same 404."""
    return await service.report(pool, viewer, report_id)


@router.put(
    "/v1/reports/{report_id}",
    summary="Change a report",
    responses=PROBLEMS_OF_ONE,
)
async def replace_report(
    viewer: Viewer, report_id: ReportId, body: ReportBody, pool: StatePool
) -> Report:
    """Replace the name, description and query of a report of yours."""
    return await service.replace(pool, viewer, report_id, body)


@router.delete(
    "/v1/reports/{report_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a report",
    responses=PROBLEMS_OF_ONE,
)
async def delete_report(viewer: Viewer, report_id: ReportId, pool: StatePool) -> None:
    """Delete a report of yours."""
    await service.delete(pool, viewer, report_id)


async def _run(
    call: OneCall,
    report_id: ReportId,
    state: StatePool,
    limit: Annotated[
        int | None, Query(ge=1, le=MAX_LIMIT, description="Instead of the report's.")
    ] = None,
    offset: Annotated[
        int | None, Query(ge=0, le=MAX_OFFSET, description="Instead of the report's.")
    ] = None,
) -> Response:
    """Ask the report's query now, and count the rows that you may see now.

    The answer is that of `POST /v1/query`. A metric or dimension that the analysts have removed
    since the report was saved is a 422 that names it.
    """
    saved = await service.report(state, call.caller, report_id)
    return await answer_question(call, service.body_of(saved, limit, offset))


for method in ("GET", "POST"):
    router.add_api_route(
        "/v1/reports/{report_id}/run",
        _run,
        methods=[method],
        operation_id=f"run_report_{method.lower()}",
        name="run_report",
        summary="Run a report",
        response_model=QueryAnswer,
        responses={
            **(CACHED_ANSWER if method == "GET" else {}),
            **PROBLEMS_OF_ONE,
            **answers(InvalidFields([FieldError("metrics.0", "there is no metric 'downloads'")])),
        },
    )
