"""Who a person is in the data: the ids that stand for one, and the events that are theirs.

Only verified links lead from one id to another. What a browser with the public key claims is
listed (`claims.py`), and followed where an admin names it. Ids are of three kinds that never stand
for each other, whatever they spell: users, anonymous ids of devices, and hashes of visitors
without either.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import LiteralString, NamedTuple

from psycopg import AsyncConnection, sql

from eventmill.core.errors import FieldError, InvalidFields
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS
from eventmill.privacy.days import in_days
from eventmill.privacy.statements import fetch

USER, DEVICE, HASH = "user_id", "anonymous_id", "visitor_id"


class Name(NamedTuple):
    """An id and its kind: USER, DEVICE or HASH."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Person:
    """All that stands for one person."""

    given: frozenset[Name]
    """What the admin asked for, and what was found without a link."""
    included: frozenset[Name]
    """Claimed ones that the admin named: their events count, and nothing is followed from them."""
    visitors: Mapping[Name, str]
    """These and all that verified links lead to, each as `visitor_id` spells it."""

    @property
    def ids(self) -> list[str]:
        """All ids, in order."""
        return sorted({name.id for name in self.visitors})

    def of(self, kind: str) -> list[str]:
        """The ids of one kind, in order."""
        return sorted(name.id for name in self.visitors if name.kind == kind)

    @property
    def parameters(self) -> dict[str, list[str]]:
        """What queries look for."""
        return {
            "ids": self.ids,
            "users": self.of(USER),
            "devices": self.of(DEVICE),
            "visitors": list(self.visitors.values()),
        }


# A user is known by what a server or a user's token said, and not by what a browser claims.
IS_USER: LiteralString = """
select
    exists (select from raw.identities where user_id = %(id)s and verified)
    or exists (select from raw.lifecycle_events where %(id)s in (actor_id, creator_id))
    or exists (
        select from raw.events
        where actor_id = %(id)s or (user_id = %(id)s and trust > 1)
    )
"""

# How a visitor of each kind is spelled, migration 0038 says.
SPELL: LiteralString = """
select
    kind,
    id,
    case kind
        when 'user_id' then rules.actor_visitor(id)
        when 'anonymous_id' then rules.anonymous_visitor(id)
        else rules.visitor(null, null, id)
    end
from unnest(%(kinds)s::text[], %(ids)s::text[]) as given (kind, id)
"""
# An anonymous id belongs to one user, who may have many.
LINKED: LiteralString = """
with recursive linked (kind, id) as (
    select kind, id from unnest(%(kinds)s::text[], %(ids)s::text[]) as given (kind, id)
    union
    select other.kind, other.id
    from linked
    cross join lateral (
        select 'user_id' as kind, user_id as id
        from raw.identities
        where linked.kind = 'anonymous_id' and anonymous_id = linked.id and verified
        union all
        select 'anonymous_id', anonymous_id
        from raw.identities
        where linked.kind = 'user_id' and user_id = linked.id and verified
    ) as other
)

select kind, id from linked
"""

FIND: LiteralString = """
create temporary table subject_events on commit drop as
select
    events.event_id,
    events.occurred_at,
    rules.visitor(events.actor_id, events.anonymous_id, events.visitor_id) as visitor_id,
    events.user_agent,
    case
        when events.actor_type is distinct from 'system' and events.trust > 1
            then events.anonymous_id
    end as anonymous_id
from raw.events as events
where {days} and raw.event_people(events) && %(visitors)s::text[]
"""

# Devices that were never linked, as links that somebody erased are not.
UNLINKED: LiteralString = """
select distinct found.anonymous_id
from subject_events as found
where
    found.anonymous_id is not null
    and found.anonymous_id <> all(%(devices)s)
    and not exists (
        select from raw.identities
        where identities.anonymous_id = found.anonymous_id and identities.verified
    )
"""


def require_subject_id(subject_id: str) -> None:
    """Raise InvalidFields, without repeating it, for what cannot be anybody's id."""
    if not 1 <= len(subject_id) <= MAX_ID_CHARACTERS:
        problem = f"an id has 1 to {MAX_ID_CHARACTERS} characters"
    elif text_problem(subject_id) is not None:
        problem = "an id holds no NUL and no half of a surrogate pair"
    else:
        return
    raise InvalidFields([FieldError("subject_id", problem)])


async def person_of(connection: AsyncConnection, subject_id: str) -> Person:
    """Whom an admin means by an id: the user of this id if there is one, else whoever has it.

    So a stranger whose browser says that its anonymous id is somebody's user id stays another.
    """
    [(is_user,)] = await fetch(connection, IS_USER, {"id": subject_id})
    if is_user:
        given = {Name(USER, subject_id)}
    elif subject_id.startswith("anon:"):  # a `visitor_id` (migration 0038)
        given = {Name(DEVICE, subject_id.removeprefix("anon:"))}
    elif subject_id.startswith("hash:"):
        given = {Name(HASH, subject_id)}
    else:
        given = {
            Name(USER, subject_id.removeprefix("actor:")),
            Name(DEVICE, subject_id),
            Name(HASH, subject_id),
        }
    return await follow(connection, given)


async def follow(
    connection: AsyncConnection, given: Iterable[Name], included: Iterable[Name] = ()
) -> Person:
    """The person whom verified links make of the names `given`, with those `included` beside."""
    given, included = frozenset(given), frozenset(included)
    rows = await fetch(connection, LINKED, _columns(given))
    names = included.union(Name(*row) for row in rows)
    return Person(given, included, await spelled(connection, names))


async def spelled(connection: AsyncConnection, names: Iterable[Name]) -> dict[Name, str]:
    """Name → the visitor that it is."""
    rows = await fetch(connection, SPELL, _columns(names))
    return {Name(kind, id_): visitor for kind, id_, visitor in rows}


async def find(
    connection: AsyncConnection, person: Person, days: Iterable[date] | None = None
) -> Person:
    """The person, with all devices of theirs that were never linked.

    The person's events are then in the temporary table `subject_events`: with `days` only those of
    these days. Without, all of raw.events is read: no index serves it, as each would cost every
    insert.
    """
    query = sql.SQL(FIND).format(days=sql.SQL("true") if days is None else in_days("events", days))
    while True:
        await connection.execute("drop table if exists pg_temp.subject_events")
        await connection.execute(query, person.parameters)
        more = await fetch(connection, UNLINKED, person.parameters)
        if not more:
            break
        devices = {Name(DEVICE, found) for (found,) in more}
        person = await follow(connection, person.given | devices, person.included)
    await connection.execute("analyze pg_temp.subject_events")
    return person


def _columns(names: Iterable[Name]) -> dict[str, list[str]]:
    found = sorted(names)
    return {"kinds": [name.kind for name in found], "ids": [name.id for name in found]}
