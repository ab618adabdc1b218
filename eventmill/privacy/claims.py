"""What browsers claim of a person: shown to whoever decides, and followed only where they name it.

A publishable key stands in every web page, so its word proves nothing: whoever follows it erases
strangers, or hands one person's data to another.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from eventmill.core.errors import FieldError, InvalidFields
from eventmill.privacy.subject import Name, Person, follow


@dataclass(frozen=True, slots=True)
class Claim:
    """An id that a browser says is the person's."""

    kind: str
    id: str
    received_at: datetime
    """When the link arrived; of events without one, the first of them."""
    key_id: str | None
    """The write key that the link came with, if that is known."""
    events: int
    """What following it would add."""


# Claimed are links, and events by a publishable key that name the user.
CLAIMS: LiteralString = """
with links as (
    select
        'anonymous_id' as kind,
        anonymous_id as id,
        rules.anonymous_visitor(anonymous_id) as visitor,
        received_at,
        key_id
    from raw.identities
    where not verified and user_id = any(%(users)s) and anonymous_id <> all(%(devices)s)
    union all
    select 'user_id', user_id, rules.actor_visitor(user_id), min(received_at), min(key_id)
    from raw.identities
    where not verified and anonymous_id = any(%(devices)s) and user_id <> all(%(users)s)
    group by user_id
),

counted as (
    select
        named.visitor,
        min(events.anonymous_id) as anonymous_id,
        min(events.received_at) as received_at,
        count(*) as events
    from raw.events as events
    cross join lateral (
        select events.actor_id is null and events.trust = 1 and events.user_id = any(%(users)s)
            as is_claim
        offset 0
    ) as said
    cross join lateral (
        select person as visitor
        from unnest(raw.event_people(events)) as own (person)
        where person in (select links.visitor from links)
        union
        select rules.visitor(null, events.anonymous_id, events.visitor_id) where said.is_claim
    ) as named
    where not raw.event_people(events) && %(visitors)s::text[]
    group by named.visitor
)

select
    coalesce(
        links.kind, case when counted.anonymous_id is null then 'visitor_id' else 'anonymous_id' end
    ) as kind,
    coalesce(links.id, counted.anonymous_id, counted.visitor) as id,
    coalesce(links.received_at, counted.received_at) as received_at,
    links.key_id,
    coalesce(counted.events, 0) as events
from links
full join counted on links.visitor = counted.visitor
order by received_at, id
"""


async def claims(connection: AsyncConnection, person: Person) -> list[Claim]:
    """What is claimed of the person and not followed, oldest first. Reads all of raw.events."""
    async with connection.cursor(row_factory=class_row(Claim)) as cursor:
        await cursor.execute(CLAIMS, person.parameters)
        return await cursor.fetchall()


async def include_claimed(
    connection: AsyncConnection, person: Person, ids: Collection[str]
) -> Person:
    """The person with the claimed `ids` that an admin named.

    Raises InvalidFields, without repeating it, for an id that nobody claims: a slip must not pass
    as an erasure.
    """
    found = {claim.id: Name(claim.kind, claim.id) for claim in await claims(connection, person)}
    if set(ids) - found.keys():
        raise InvalidFields([FieldError("include", "is no claimed id of this person")])
    return await follow(connection, person.given, {found[id_] for id_ in ids})
