"""Stores reports, and makes the question that a report asks today."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import errors
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from dashboards_api.database import Pool, snapshot
from dashboards_api.query.manifest import current_catalog
from dashboards_api.query.reading import read_question
from dashboards_api.query.schemas import QueryRequest
from dashboards_api.reports import queries
from dashboards_api.reports.schemas import Report, ReportBody, Reports
from eventmill.core.days import utc_today
from eventmill.core.errors import FieldError, InvalidFields, NotFound
from eventmill.core.plain_json import text_problem
from eventmill.core.tokens import Caller

MOST_REPORTS = 200


def report_not_found() -> NotFound:
    """The one answer for a report that does not exist and for one that is not the caller's."""
    return NotFound("there is no such report, or it is not yours")


async def reports(pool: Pool, caller: Caller) -> Reports:
    if text_problem(queries.owner_of(caller)["owner_id"]):
        return Reports(reports=[])
    async with snapshot(pool) as connection:
        return Reports(reports=await queries.reports(connection, queries.LIST, caller))


async def report(pool: Pool, caller: Caller, report_id: str) -> Report:
    """Raises NotFound."""
    return await _one(pool, queries.GET, caller, _identifier(caller, report_id))


async def save(pool: Pool, caller: Caller, body: ReportBody) -> Report:
    """Raises InvalidFields for a wrong query, a name that is taken, and one report too many."""
    values = {**await _checked(body), "created_by": caller.sub}
    if text_problem(queries.owner_of(caller)["owner_id"]):
        raise InvalidFields([FieldError("name", "this token's id cannot own reports")])
    try:
        async with snapshot(pool) as connection:
            if await queries.lock_and_count(connection, caller) >= MOST_REPORTS:
                message = f"there are {MOST_REPORTS} reports, which is the most: delete one first"
                raise InvalidFields([FieldError("name", message)])
            [saved] = await queries.reports(connection, queries.INSERT, caller, **values)
    except errors.UniqueViolation:
        raise _taken(body.name) from None
    return saved


async def replace(pool: Pool, caller: Caller, report_id: str, body: ReportBody) -> Report:
    """Raises NotFound, and InvalidFields as `save` does."""
    identifier = _identifier(caller, report_id)
    values = await _checked(body)
    try:
        return await _one(pool, queries.UPDATE, caller, identifier, **values)
    except errors.UniqueViolation:
        raise _taken(body.name) from None


async def delete(pool: Pool, caller: Caller, report_id: str) -> None:
    """Raises NotFound."""
    await _one(pool, queries.DELETE, caller, _identifier(caller, report_id))


async def _one(
    pool: Pool, statement: LiteralString, caller: Caller, report_id: UUID, **values: Any
) -> Report:
    async with snapshot(pool) as connection:
        found = await queries.reports(connection, statement, caller, id=report_id, **values)
    if not found:
        raise report_not_found()
    return found[0]


def body_of(saved: Report, limit: int | None, offset: int | None) -> QueryRequest:
    """The query that a report holds, for another page of it. Raises InvalidFields if it was saved
    by a version whose queries were others."""
    paging = {"limit": limit, "offset": offset}
    given = {name: value for name, value in paging.items() if value is not None}
    try:
        return QueryRequest.model_validate({**saved.query, **given})
    except ValidationError as error:
        raise InvalidFields(
            [
                FieldError(".".join(map(str, ("query", *one["loc"]))), one["msg"])
                for one in error.errors()
            ]
        ) from None


async def _checked(body: ReportBody) -> dict[str, Any]:
    """What is stored of a body whose query can be asked."""
    try:
        question = read_question(await current_catalog(), body.query, utc_today())
    except InvalidFields as error:
        found = [FieldError(f"query.{one.field}", one.message) for one in error.errors]
        raise InvalidFields(found) from None
    for number, condition in enumerate(question.conditions):
        texts = [value for value in condition.values if isinstance(value, str)]
        if any(map(text_problem, texts)):
            message = "holds a character that cannot be stored (NUL or half of a pair)"
            raise InvalidFields([FieldError(f"query.filters.{number}.value", message)])
    return {
        "name": body.name,
        "description": body.description,
        "query": Jsonb(body.query.model_dump(mode="json", exclude_unset=True)),
    }


def _identifier(caller: Caller, report_id: str) -> UUID:
    try:
        identifier = UUID(report_id)
    except ValueError:
        raise report_not_found() from None
    if text_problem(queries.owner_of(caller)["owner_id"]):
        raise report_not_found()
    return identifier


def _taken(name: str) -> InvalidFields:
    return InvalidFields([FieldError("name", f"you have a report named {name!r} already")])
