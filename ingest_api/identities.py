"""Which user an anonymous id is: links that events and `identify` calls bring, kept once each.

A link is verified if a server's secret key or the user's own token vouches for it. A browser with
a publishable key can only claim. A link by a more trusted sender takes the place of one by a less
trusted, never the other way round. Of two links of one class the first stays, so that history does
not change hands because a device did.
"""

import time
from collections.abc import Iterable, Sequence
from typing import LiteralString, NamedTuple

import psycopg

from eventmill.core.registry import EventRow
from eventmill.core.trust import Trust
from ingest_api.senders import Sender

# Machines are nobody's visitor, whatever id they pass along.
NOBODY = "system"
# Links that are stored already are not sent to the database with each event: 65,536 of them take
# about 20 MB. An hour later all are forgotten, so that one that was erased can come back.
REMEMBERED = 65_536
REMEMBERED_SECONDS = 3600.0

# A link that an older version left in the spool may lack its time of receipt.
STORE: LiteralString = """
insert into raw.identities as known (
    anonymous_id, user_id, first_seen_at, received_at, key_id, trust, verified
)
select
    anonymous_id, user_id, first_seen_at::timestamptz,
    coalesce(nullif(received_at, '')::timestamptz, now()), nullif(key_id, ''), trust, trust > %s
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[])
    as links (anonymous_id, user_id, first_seen_at, received_at, key_id, trust)
order by anonymous_id
on conflict (anonymous_id) do update set
    user_id = excluded.user_id,
    first_seen_at = excluded.first_seen_at,
    received_at = excluded.received_at,
    key_id = excluded.key_id,
    trust = excluded.trust,
    verified = excluded.verified
where excluded.trust > coalesce(known.trust, case when known.verified then %s else %s end)
"""


class Link(NamedTuple):
    """`anonymous_id` is `user_id`. Times are ISO 8601 in UTC."""

    anonymous_id: str
    user_id: str
    seen_at: str
    received_at: str = ""
    """When it arrived, which no client sets; "" of one that an older version left in the spool."""
    key_id: str = ""
    """The write key that it came with; "" if there was none."""
    trust: int = Trust.PUBLISHABLE
    """The sender's class. What an older version left in the spool is only claimed."""


def links_of(rows: Iterable[EventRow], sender: Sender) -> list[Link]:
    """The links in events that name both an anonymous id and whose it is."""
    found = []
    for row in rows:
        user_id = row.actor_id or row.user_id
        if row.anonymous_id and user_id and row.actor_type != NOBODY:
            # A token is proof of its own user, whom ingest makes the actor.
            trust = sender.trust
            if trust == Trust.TOKEN and not row.actor_id:
                trust = Trust.PUBLISHABLE
            times = row.occurred_at, row.received_at
            found.append(Link(row.anonymous_id, user_id, *times, sender.key_id or "", trust))
    return found


def strongest(links: Iterable[Link]) -> list[Link]:
    """One link for each anonymous id, in their order: the first of the most trusted ones."""
    kept: dict[str, Link] = {}
    for link in links:
        before = kept.get(link.anonymous_id)
        if before is None or link.trust > before.trust:
            kept[link.anonymous_id] = link
    return sorted(kept.values())


async def store_links(connection: psycopg.AsyncConnection, links: Sequence[Link]) -> None:
    """Keep `links`, in the transaction of `connection`. Sorted, so two writers never deadlock."""
    if links:
        columns = [list(column) for column in zip(*strongest(links), strict=True)]
        claimed, verified = Trust.PUBLISHABLE, Trust.TOKEN
        await connection.execute(STORE, (claimed, *columns, verified, claimed))


class KnownLinks:
    """The links that this process stored, so that it stores each only once."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._trust: dict[str, int] = {}
        self._forget_at = 0.0

    def new(self, links: Iterable[Link]) -> list[Link]:
        """Those of `links` that may tell the database something."""
        if time.monotonic() >= self._forget_at:
            self._trust.clear()
            self._forget_at = time.monotonic() + REMEMBERED_SECONDS
        known = self._trust
        return [link for link in links if link.trust > known.get(link.anonymous_id, 0)]

    def remember(self, links: Iterable[Link]) -> None:
        """`links` are durable now."""
        known = self._trust
        for link in links:
            known[link.anonymous_id] = max(link.trust, known.get(link.anonymous_id, 0))
        while len(known) > self._size:
            del known[next(iter(known))]
