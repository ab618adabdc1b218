"""`GET` and `DELETE /v1/subjects/{id}`, `GET /v1/erasures/{id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import StreamingResponse

from dashboards_api.authentication import ADMINS_ONLY, NO_TOKEN, Admin
from dashboards_api.database import AWAY, StatePool
from dashboards_api.privacy import service
from dashboards_api.privacy.schemas import Erasure, ErasurePreview, Held
from dashboards_api.problems import answers
from eventmill.core.errors import FieldError, Forbidden, InvalidFields, NotFound, Unavailable
from eventmill.privacy.holdings import NOTHING_HELD

router = APIRouter(tags=["people"])

SubjectId = Annotated[
    str,
    Path(
        description="A user's id, an anonymous id or a `visitor_id`. Ids that a server or the"
        " user's own token linked with it are the same person.",
        examples=["ann-7f3a91c2"],
    ),
]
Include = Annotated[
    list[str],
    Query(
        description="Claimed ids, as the answer lists them in `claimed`, that are this person's"
        " after all. What a browser claims is followed only where it is named here.",
        examples=[["anon-41b7"]],
        max_length=100,
    ),
]
DryRun = Annotated[bool, Query(description="Answer what would go, and change nothing.")]
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
async def read_subject(
    caller: Admin,
    subject_id: SubjectId,
    include: Include = [],  # noqa: B006
) -> StreamingResponse:
    """Everything held on a person: identities, events, visits, credits, refused events.

    For admins; each call is recorded in the audit log. The answer is complete and written while it
    is read: if it ends before its last bracket, ask again. What only a browser claims of the person
    is listed as `claimed`, with what it would add.
    """
    parts = await service.read_subject(caller, subject_id, include)
    return StreamingResponse(parts, media_type="application/json")


@router.delete("/v1/subjects/{subject_id:path}", responses=PROBLEMS)
async def erase_subject(
    caller: Admin,
    subject_id: SubjectId,
    include: Include = [],  # noqa: B006
    dry_run: DryRun = False,
) -> Erasure | ErasurePreview:
    """Erase a person, in one transaction, and have exactly the days built again that this touches.

    For admins; each call is recorded in the audit log. Numbers are right at once: the days are
    counted live until they are built. What was received before and comes later is not stored. Later
    events start a new, unlinked person. A second call removes what came since, and answers with
    a certificate of its own. The call waits for a build that runs, and answers 503 after 20 s.

    Claimed ids stay unless `include` names them. `dry_run=true` answers what would go, which ids
    count as the person, and what is claimed.
    """
    return await service.erase_subject(caller, subject_id, include, dry_run=dry_run)


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
