"""`/v1/exports` and the download of a file."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response, Security
from fastapi.security import APIKeyQuery
from starlette.responses import FileResponse

from dashboards_api.authentication import ADMINS_ONLY, NO_TOKEN, Admin
from dashboards_api.database import AWAY, StatePool
from dashboards_api.exports import links, service
from dashboards_api.exports.files import MEDIA_TYPES
from dashboards_api.exports.schemas import Export, ExportList, ExportRequest
from dashboards_api.problems import answers
from dashboards_api.ranges import refuse_repeated
from eventmill.core.errors import FieldError, Forbidden, InvalidFields, NotFound, Unavailable
from eventmill.core.settings import get_settings

router = APIRouter(tags=["exports"])

ExportId = Annotated[UUID, Path(description="The export's id.")]

BAD_ID = InvalidFields([FieldError("export_id", "Input should be a valid UUID")])
PROBLEMS = answers(NO_TOKEN, Forbidden(ADMINS_ONLY), BAD_ID, Unavailable(AWAY))
UNKNOWN = answers(NotFound("there is no such export"))
BAD_REQUEST = answers(
    InvalidFields([FieldError("filters", "there is no filter 'actor_id': use event_type, source")])
)

_signature = APIKeyQuery(
    name="signature",
    scheme_name="signed_url",
    description="The signature in an export's `download_url`. It needs no token.",
    auto_error=False,
)


def _local_link(request: Request) -> service.LocalLink:
    def link(export_id: UUID, expires: int, signature: str) -> str:
        path = request.app.url_path_for("download_export", export_id=export_id)
        query = urlencode({"expires": expires, "signature": signature})
        return f"{public_url(request)}{path}?{query}"

    return link


LocalLink = Annotated[service.LocalLink, Depends(_local_link)]


def public_url(request: Request) -> str:
    """Where this API is reached, whatever Host the request names: a link may be handed on."""
    if url := get_settings().dashboards_url:
        return url
    host, port = request.scope["server"]
    return f"{request.scope['scheme']}://{f'[{host}]' if ':' in host else host}:{port}"


@router.post(
    "/v1/exports",
    status_code=202,
    responses={
        202: {
            "description": "It is being made",
            "headers": {
                "Location": {"description": "Where it is looked at", "schema": {"type": "string"}}
            },
        },
        **PROBLEMS,
        **BAD_REQUEST,
    },
)
async def create_export(
    caller: Admin,
    asked: Annotated[ExportRequest, Body()],
    state: StatePool,
    request: Request,
    local_link: LocalLink,
    response: Response,
) -> Export:
    """Ask for a file of events: those of a range of days that match every filter, by time.

    It is made in the background, also if the service is restarted meanwhile; look at `Location`
    until `state` is `done`. Personal data is redacted unless `include_personal_data` asks for it
    with a `reason`. Every export is recorded in the audit log.
    """
    export_id = await service.create(state, caller, asked)
    request.app.state.export_worker.wake()
    response.headers["Location"] = f"/v1/exports/{export_id}"
    return await service.get(state, caller, export_id, local_link)


@router.get("/v1/exports", responses=PROBLEMS, dependencies=[Depends(refuse_repeated)])
async def list_exports(
    _: Admin,
    state: StatePool,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 50,
    cursor: Annotated[UUID | None, Query(description="`next_cursor` of the page before.")] = None,
) -> ExportList:
    """All exports, the newest first, also those whose file is gone."""
    return await service.page(state, limit, cursor)


@router.get("/v1/exports/{export_id}", responses={**PROBLEMS, **UNKNOWN})
async def get_export(
    caller: Admin,
    export_id: ExportId,
    state: StatePool,
    local_link: LocalLink,
) -> Export:
    """How far an export is, and, when it is done, a link to its file that works for a while.

    A link to a file with personal data is recorded in the audit log.
    """
    return await service.get(state, caller, export_id, local_link)


@router.delete("/v1/exports/{export_id}", status_code=204, responses={**PROBLEMS, **UNKNOWN})
async def delete_export(_: Admin, export_id: ExportId, state: StatePool) -> None:
    """Remove an export's file; one that is not finished yet is not made any further."""
    await service.delete(state, export_id)


@router.get(
    "/v1/exports/{export_id}/download",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The file. `Range` is understood",
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in MEDIA_TYPES.values()
            },
        },
        **answers(Forbidden(links.EXPIRED), BAD_ID, Unavailable(AWAY)),
        **answers(NotFound("the export has no file here")),
    },
    dependencies=[Depends(refuse_repeated)],
)
async def download_export(
    export_id: ExportId,
    expires: Annotated[int, Query(ge=0, le=2**53, description="Unix time.", examples=[1793370600])],
    signature: Annotated[str | None, Security(_signature)],
    state: StatePool,
) -> FileResponse:
    """The file of an export, for whoever has the link that `GET /v1/exports/{export_id}` gave.

    Files in a bucket are downloaded from there.
    """
    links.require_valid(export_id, expires, signature or "")
    path, name, media_type = await service.file_of(state, export_id)
    return FileResponse(path, media_type=media_type, filename=name)
