"""`GET` and `DELETE /v1/subjects/{id}`, `GET /v1/erasures/{id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import StreamingResponse

from dashboards_api.authentication import ADMINS_ONLY, NO_TOKEN, Admin
from dashboards_api.database import AWAY, StatePool
from dashboards_api.privacy import service
from dashboards_api.privacy.schemas import Erasure, Held
from dashboards_api.problems import answers
from eventmill.core.errors import FieldError, Forbidden, InvalidFields, NotFound, Unavailable
from eventmill.privacy.holdings import NOTHING_HELD

router = APIRouter(tags=["people"])

SubjectId = Annotated[
    str,
    Path(
        description="A user's id, an anonymous id or a `visitor_id`. Ids that `raw.identities`"
        " links with it are the same person.",
        examples=["ann-7f3a91c2"],
    ),
]
PROBLEMS = answers(
    NO_TOKEN,
    Forbidden(ADMINS_ONLY),
    InvalidFields([FieldError("subject_id", "an id has 1 to 200 characters")]),
    Unavailable(AWAY),
)


# An id may hold any character, a slash included.
@router.get(
    "/v1/subjects/{subject_id:path}",
    response_model=None,
    responses={
        200: {"model": Held, "description": "Everything that is held on the person."},
        **PROBLEMS,
        **answers(NotFound(NOTHING_HELD)),
    },
)
async def read_subject(caller: Admin, subject_id: SubjectId) -> StreamingResponse:
    """Everything held on a person: identities, events, visits, credits, refused events.

    For admins; each call is recorded in the audit log. The answer is complete and written while it
    is read: if it ends before its last bracket, ask again.
    """
    parts = await service.read_subject(caller, subject_id)
    return StreamingResponse(parts, media_type="application/json")


@router.delete("/v1/subjects/{subject_id:path}", responses=PROBLEMS)
async def erase_subject(caller: Admin, subject_id: SubjectId) -> Erasure:
    """Erase a person, in one transaction, and have exactly the days built again that this touches.

    For admins; each call is recorded in the audit log. Numbers are right at once: the days are
    counted live until they are built. What was received before and comes later is not stored. Later
    events start a new, unlinked person. A second call removes what came since, and answers with
    a certificate of its own. The call waits for a build that runs, and answers 503 after 20 s.
    """
    return await service.erase_subject(caller, subject_id)


@router.get(
    "/v1/erasures/{erasure_id}",
    responses={**PROBLEMS, **answers(NotFound(service.NO_CERTIFICATE))},
)
async def read_erasure(
    _: Admin,
    erasure_id: Annotated[
        UUID,
        Path(
            description="As the erasure's certificate has it.",
            examples=["019f1c5e-0a31-7c5e-9b1d-0d8f7a1f2b11"],
        ),
    ],
    state: StatePool,
) -> Erasure:
    """The certificate of an erasure, and whether its days are built by now. For admins."""
    return await service.certificate(state, erasure_id)
