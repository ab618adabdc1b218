"""Who a person is in the data: the ids that stand for one, and the events that are theirs."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import LiteralString

from psycopg import AsyncConnection, sql

from eventmill.core.errors import FieldError, InvalidFields
from eventmill.core.registry import MAX_ID_CHARACTERS
from eventmill.privacy.days import in_days
from eventmill.privacy.statements import fetch

# An anonymous id belongs to one user, who may have many; and a user id may be a former one (alias).
LINKED: LiteralString = """
with recursive linked (id) as (
    select unnest(%(ids)s::text[])
    union
    select other.id
    from linked
    cross join lateral (
        select identities.user_id as id
        from raw.identities
        where identities.anonymous_id = linked.id
        union all
        select identities.anonymous_id from raw.identities where identities.user_id = linked.id
    ) as other
)

select id from linked
"""

FIND: LiteralString = """
create temporary table subject_events on commit drop as
select
    events.event_id,
    events.occurred_at,
    rules.visitor(events.actor_id, events.anonymous_id, events.visitor_id) as visitor_id,
    events.user_agent,
    case when events.actor_type is distinct from 'system' then events.anonymous_id end
        as anonymous_id
from raw.events as events
where {days} and raw.event_people(events) && %(ids)s::text[]
"""

# Who was never linked, as links that somebody erased are not.
UNLINKED: LiteralString = """
select distinct found.anonymous_id
from subject_events as found
where
    found.anonymous_id is not null
    and found.anonymous_id <> all(%(ids)s)
    and not exists (
        select from raw.identities where identities.anonymous_id = found.anonymous_id
    )
"""


def require_subject_id(subject_id: str) -> None:
    """Raise InvalidFields, without repeating it, for what cannot be anybody's id."""
    if not 1 <= len(subject_id) <= MAX_ID_CHARACTERS:
        problem = f"an id has 1 to {MAX_ID_CHARACTERS} characters"
    elif "\0" in subject_id or not _has_encoding(subject_id):
        problem = "an id holds no NUL and no half of a surrogate pair"
    else:
        return
    raise InvalidFields([FieldError("subject_id", problem)])


def _has_encoding(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def linked_ids(connection: AsyncConnection, ids: Sequence[str]) -> list[str]:
    """`ids` and all that `raw.identities` links with them, in order."""
    rows = await fetch(connection, LINKED, {"ids": list(ids)})
    return sorted(found for (found,) in rows)


async def find(
    connection: AsyncConnection, known: Sequence[str], days: Iterable[date] | None = None
) -> list[str]:
    """All ids that stand for the same person as those that are `known`, in order.

    The person's events are then in the temporary table `subject_events`: with `days` only those of
    these days. Without, all of raw.events is read: no index serves it, as each would cost every
    insert.
    """
    ids = await linked_ids(connection, known)
    query = sql.SQL(FIND).format(days=sql.SQL("true") if days is None else in_days("events", days))
    while True:
        await connection.execute("drop table if exists pg_temp.subject_events")
        await connection.execute(query, {"ids": ids})
        more = await fetch(connection, UNLINKED, {"ids": ids})
        if not more:
            break
        ids = await linked_ids(connection, [*ids, *(found for (found,) in more)])
    await connection.execute("analyze pg_temp.subject_events")
    return ids
