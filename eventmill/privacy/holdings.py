"""Everything held on a person, row by row as the database has it, as one JSON text.

The dashboards API and the command line both call this, and each call is recorded.
"""

import json
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from psycopg import AsyncConnection, IsolationLevel, sql

from eventmill.core.errors import NotFound
from eventmill.core.tokens import Caller
from eventmill.privacy.audit import Action, Operator, record
from eventmill.privacy.claims import claims, include_claimed
from eventmill.privacy.mentions import parameters
from eventmill.privacy.relations import Relation, is_there, relations
from eventmill.privacy.statements import connect_async
from eventmill.privacy.subject import find, person_of, require_subject_id

NOTHING_HELD = "nothing is held on this id"

# What a cursor brings at once: a person with a million events is never in memory as a whole.
ROWS = 1_000
# The parts of the answer that are there also where they hold nothing.
SECTIONS = (
    "claimed", "identities", "events", "attribution", "sessions", "conversions",
    "conversion_touches", "int_conversion_credits", "visitors", "lifecycle_events",
    "rejected_events", "exports",
)  # fmt: skip

IDENTITIES: LiteralString = """
select (to_jsonb(identities) - 'changed_xid')::text
from raw.identities
where
    (verified and (anonymous_id = any(%(devices)s) or user_id = any(%(users)s)))
    or (anonymous_id = any(%(devices)s) and user_id = any(%(users)s))
order by first_seen_at
"""
EVENTS: LiteralString = """
select to_jsonb(events)::text
from raw.events
inner join subject_events using (event_id, occurred_at)
order by events.occurred_at, events.event_id
"""
LIFECYCLE: LiteralString = """
select to_jsonb(events)::text
from raw.lifecycle_events as events
where
    events.event_id in (select event_id from subject_events)
    or events.actor_id = any(%(users)s)
    or events.creator_id = any(%(users)s)
order by events.occurred_at, events.event_id
"""
REFUSED: LiteralString = """(
    refused.event ~ %(refused)s
    or refused.context::text ~ %(refused)s
    or refused.sender::text ~ %(refused)s
    or (
        %(any_word)s <> ''
        and concat_ws(' ', refused.event, refused.context, refused.sender, refused.errors)
        like any(%(likes)s::text[])
        and concat_ws(' ', refused.event, refused.context, refused.sender, refused.errors)
        ~ %(any_word)s
    )
)"""
REJECTED: LiteralString = """
select to_jsonb(refused)::text
from raw.rejected_events as refused
where {refused}
order by rejected_id
"""
# An export of events may hold the person's if it covers one of their days.
EXPORTS: LiteralString = """
select to_jsonb(exports)::text
from (
    select export_id, format, first_day, last_day, state, requested_at
    from ops.exports
    where
        state in ('queued', 'running', 'done')
        and exists (
            select from subject_events as found
            where
                (found.occurred_at at time zone 'UTC')::date
                between exports.first_day and exports.last_day
        )
) as exports
order by requested_at
"""


async def everything_held(
    subject_id: str, actor: Caller | Operator, include: Collection[str] = ()
) -> AsyncGenerator[str]:
    """Parts of a JSON object with the person's ids and a list of rows for each section.

    `include` are claimed ids that count as the person's. That `actor` reads it is recorded before
    the first part leaves, also if nothing is held. Raises InvalidFields, NotFound if nothing is
    held, Unavailable if it cannot be recorded, and what psycopg raises.
    """
    require_subject_id(subject_id)
    async with (
        await connect_async() as connection,
        aclosing(_rows(connection, subject_id, include)) as rows,
    ):
        _, ids = await anext(rows)
        first = await anext(rows, None)
        found: dict[str, object] = {"found": first is not None}
        if include:
            found["included"] = len(include)
        async with await connect_async() as log:
            await record(log, actor, Action.SUBJECT_READ, found, subject=subject_id)
        if first is None:
            raise NotFound(NOTHING_HELD)
        section, row = first
        missing = set(SECTIONS) - {section}
        yield f'{{"subject_id": {json.dumps(subject_id)}, "ids": {ids},\n"{section}": [\n{row}'
        async for name, row in rows:
            yield f",\n{row}" if name == section else f'],\n"{name}": [\n{row}'
            missing.discard(section := name)
        yield "]" + "".join(f',\n"{name}": []' for name in SECTIONS if name in missing) + "}\n"


async def _rows(
    connection: AsyncConnection, subject_id: str, include: Collection[str]
) -> AsyncGenerator[tuple[str, str]]:
    """First `("ids", …)`, then for each row that is held its section's name and the row.

    Ids and rows are JSON, all of one snapshot.
    """
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with connection.transaction():
        await connection.execute("set local statement_timeout = 0")
        await connection.execute("set local timezone = 'UTC'")
        person = await find(connection, await person_of(connection, subject_id))
        if include:
            person = await find(connection, await include_claimed(connection, person, include))
        yield "ids", json.dumps(person.ids)
        for claim in await claims(connection, person):
            yield "claimed", json.dumps(asdict(claim), default=datetime.isoformat)
        looked_for = parameters(person, dict.fromkeys(person.ids, ""))
        for section, query in await _queries(connection):
            async with connection.cursor(name="held") as cursor:
                cursor.itersize = ROWS
                await cursor.execute(query, looked_for)
                async for (row,) in cursor:
                    yield section, row


async def _queries(connection: AsyncConnection) -> list[tuple[str, sql.SQL | sql.Composed]]:
    known = await relations(connection)
    found: list[tuple[str, sql.SQL | sql.Composed]] = [
        ("identities", sql.SQL(IDENTITIES)),
        ("events", sql.SQL(EVENTS)),
    ]
    found += [
        (relation.name, _of_person(relation, known))
        for relation in known
        if relation.schema in ("intermediate", "marts") and is_of_people(relation)
    ]
    found.append(("lifecycle_events", sql.SQL(LIFECYCLE)))
    found.append(("rejected_events", sql.SQL(REJECTED).format(refused=sql.SQL(REFUSED))))
    if await is_there(connection, "ops.exports"):
        found.append(("exports", sql.SQL(EXPORTS)))
    return found


def _of_person(relation: Relation, known: Collection[Relation]) -> sql.Composed:
    return sql.SQL(
        "select to_jsonb(held)::text from {table} as held where {condition} {order}"
    ).format(
        table=relation.identifier,
        condition=of_person(relation, known),
        order=sql.SQL("order by held.{}").format(sql.Identifier(relation.time_column))
        if relation.time_column
        else sql.SQL(""),
    )


def is_of_people(relation: Relation) -> bool:
    """Whether a table that dbt makes has rows of a visitor or of an event."""
    return relation.is_built and (relation.names_visitors or relation.event_column is not None)


def of_person(relation: Relation, known: Collection[Relation]) -> sql.Composed:
    """A condition on rows `held` of a table that dbt makes: of the person, or of their events."""
    conditions: list[sql.Composable] = []
    if relation.names_visitors:
        conditions.append(sql.SQL("held.visitor_id = any(%(visitors)s)"))
    if relation.event_column:
        conditions.append(
            sql.SQL("held.{} in (select event_id from subject_events)").format(
                sql.Identifier(relation.event_column)
            )
        )
    conversions = _sibling(relation.schema), "conversions"
    if (
        relation.event_column == "conversion_id"
        and not relation.names_visitors
        and any((other.schema, other.name) == conversions for other in known)
    ):
        # Of days whose raw events are gone, only the conversions know whose they were.
        conditions.append(
            sql.SQL(
                "held.conversion_id in ("
                "select conversion_id from {} where visitor_id = any(%(visitors)s))"
            ).format(sql.Identifier(*conversions))
        )
    return sql.SQL("({})").format(sql.SQL(" or ").join(conditions))


def _sibling(schema: str) -> str:
    """The schema of the marts beside one of intermediate models."""
    return schema.removesuffix("intermediate").removesuffix("marts") + "marts"
