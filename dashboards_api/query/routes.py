"""`POST /v1/query` and `GET /v1/query/schema`."""

from functools import partial

from fastapi import APIRouter, Response

from dashboards_api.authentication import NO_TOKEN, Viewer
from dashboards_api.calls import Call, OneCall
from dashboards_api.database import AWAY
from dashboards_api.problems import answers
from dashboards_api.query import service
from dashboards_api.query.answers import QueryAnswer
from dashboards_api.query.described import QuerySchema, describe
from dashboards_api.query.manifest import MISSING, current_catalog
from dashboards_api.query.reading import read_question
from dashboards_api.query.schemas import QueryRequest
from eventmill.core.days import utc_today
from eventmill.core.errors import FieldError, InvalidFields, Unavailable

router = APIRouter(tags=["query"])

WRONG_NAME = InvalidFields(
    [
        FieldError(
            "metrics.0",
            "there is no metric 'veiws'. Did you mean 'views'? There are: events, views, clicks",
        )
    ]
)


async def answer_question(call: Call, body: QueryRequest) -> Response:
    """The answer to a body, for the caller, from the cache if it has one."""
    catalog = (await current_catalog()).seen_by(call.caller.role)
    question = read_question(catalog, body, utc_today())
    compute = partial(service.answer, call.pool, call.caller, question)
    return await call.own("query", compute, question.days, catalog.version, question)


@router.post(
    "/v1/query",
    response_model=QueryAnswer,
    summary="Ask for metrics by dimensions",
    responses=answers(NO_TOKEN, WRONG_NAME, Unavailable(AWAY)),
)
async def query(call: OneCall, body: QueryRequest) -> Response:
    """Metrics, grouped by dimensions, under filters, in an order, page by page.

    Everybody may ask, and counts rows of their own: a creator those of their assets, a brand those
    of its projects, an admin all. A row that is not the caller's is as one that does not exist. Of
    assets that it licenses a brand also counts everybody's views, clicks, visitors and engagement,
    by asset and time. `GET /v1/query/schema` says what can be asked.
    """
    return await answer_question(call, body)


@router.get(
    "/v1/query/schema",
    summary="What a query can ask for",
    responses=answers(NO_TOKEN, Unavailable(MISSING)),
)
async def query_schema(viewer: Viewer) -> QuerySchema:
    """The datasets with their metrics and dimensions, the operators and the attribution models.

    It is read from dbt's manifest, so a metric that an analyst adds appears here, and is answered,
    without a new version of this API.
    """
    return describe((await current_catalog()).seen_by(viewer.role))
