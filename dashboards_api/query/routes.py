"""`POST /v1/query` and `GET /v1/query/schema`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from dashboards_api.authentication import authenticated
from dashboards_api.cache import OWNER_SECONDS, PLATFORM_SECONDS, AnswerCache, scope_of, tag_of
from dashboards_api.database import AWAY, DatabasePool, Pool
from dashboards_api.problems import answers
from dashboards_api.query import service
from dashboards_api.query.answers import QueryAnswer
from dashboards_api.query.described import QuerySchema, describe
from dashboards_api.query.manifest import MISSING, current_catalog
from dashboards_api.query.reading import read_question
from dashboards_api.query.schemas import QueryRequest
from eventmill.core.days import utc_today
from eventmill.core.errors import FieldError, InvalidFields, Unauthorized, Unavailable
from eventmill.core.tokens import Caller

router = APIRouter(tags=["query"])

Viewer = Annotated[Caller, Depends(authenticated)]

WRONG_NAME = InvalidFields(
    [
        FieldError(
            "metrics.0",
            "there is no metric 'veiws'. Did you mean 'views'? There are: events, views, clicks",
        )
    ]
)
NO_TOKEN = Unauthorized("the bearer token is not valid: Signature has expired")


async def answer_question(
    request: Request, cache: AnswerCache, pool: Pool, caller: Caller, body: QueryRequest
) -> Response:
    """The answer to a body, for `caller`, from the cache if it has one."""
    catalog = await current_catalog()
    question = read_question(catalog, body, utc_today())
    return await cache.answer(
        request,
        key=("query", *scope_of(caller), catalog.version, question.key()),
        ttl=PLATFORM_SECONDS if caller.role == "admin" else OWNER_SECONDS,
        tags=(tag_of(caller),),
        days=question.days,
        compute=partial(service.answer, pool, caller, question),
    )


@router.post(
    "/v1/query",
    response_model=QueryAnswer,
    summary="Ask for metrics by dimensions",
    responses=answers(NO_TOKEN, WRONG_NAME, Unavailable(AWAY)),
)
async def query(
    request: Request, viewer: Viewer, body: QueryRequest, pool: DatabasePool, cache: AnswerCache
) -> Response:
    """Metrics, grouped by dimensions, under filters, in an order, page by page.

    Everybody may ask, and counts rows of their own: a creator those of their assets, a brand those
    of its projects and of assets that it has an active license on, an admin all. A row that is not
    the caller's is as one that does not exist. `GET /v1/query/schema` says what can be asked.
    """
    return await answer_question(request, cache, pool, viewer, body)


@router.get(
    "/v1/query/schema",
    summary="What a query can ask for",
    responses=answers(NO_TOKEN, Unavailable(MISSING)),
)
async def query_schema(_: Viewer) -> QuerySchema:
    """The datasets with their metrics and dimensions, the operators and the attribution models.

    It is read from dbt's manifest, so a metric that an analyst adds appears here, and is answered,
    without a new version of this API.
    """
    return describe(await current_catalog())
