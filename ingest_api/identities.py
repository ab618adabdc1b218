"""Which user an anonymous id is: links that events and `identify` calls bring, kept once each.

A link is verified if a server's secret key or the user's own token vouches for it. A browser with
a publishable key can only claim: its link serves until a verified one comes, and never replaces
one. Of two links that are worth the same the first stays, so that history does not change hands
because a device did.
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

STORE: LiteralString = """
insert into raw.identities (anonymous_id, user_id, verified, first_seen_at)
select anonymous_id, user_id, verified, first_seen_at
from unnest(%s::text[], %s::text[], %s::boolean[], %s::timestamptz[])
    as links (anonymous_id, user_id, verified, first_seen_at)
order by anonymous_id
on conflict (anonymous_id) do update
    set user_id = excluded.user_id, verified = true, first_seen_at = excluded.first_seen_at
    where excluded.verified and not identities.verified
"""


class Link(NamedTuple):
    """`anonymous_id` is `user_id`. Times are ISO 8601 in UTC."""

    anonymous_id: str
    user_id: str
    verified: bool
    seen_at: str
    received_at: str = ""
    """When it arrived, which no client sets; "" of one that an older version left in the spool."""


def links_of(rows: Iterable[EventRow], sender: Sender) -> list[Link]:
    """The links in events that name both an anonymous id and whose it is."""
    found = []
    for row in rows:
        user_id = row.actor_id or row.user_id
        if row.anonymous_id and user_id and row.actor_type != NOBODY:
            verified = bool(row.actor_id) and sender.trust > Trust.PUBLISHABLE
            seen_at, received_at = row.occurred_at, row.received_at
            found.append(Link(row.anonymous_id, user_id, verified, seen_at, received_at))
    return found


def strongest(links: Iterable[Link]) -> list[Link]:
    """One link for each anonymous id, in their order: the first verified one, else the first."""
    kept: dict[str, Link] = {}
    for link in links:
        before = kept.get(link.anonymous_id)
        if before is None or (link.verified and not before.verified):
            kept[link.anonymous_id] = link
    return sorted(kept.values())


async def store_links(connection: psycopg.AsyncConnection, links: Sequence[Link]) -> None:
    """Keep `links`, in the transaction of `connection`. Sorted, so two writers never deadlock."""
    if links:
        columns = [list(column) for column in zip(*strongest(links), strict=True)]
        await connection.execute(STORE, columns[:4])


class KnownLinks:
    """The links that this process stored, so that it stores each only once."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._is_verified: dict[str, bool] = {}
        self._forget_at = 0.0

    def new(self, links: Iterable[Link]) -> list[Link]:
        """Those of `links` that may tell the database something."""
        if time.monotonic() >= self._forget_at:
            self._is_verified.clear()
            self._forget_at = time.monotonic() + REMEMBERED_SECONDS
        known = self._is_verified
        return [
            link
            for link in links
            if link.anonymous_id not in known or (link.verified and not known[link.anonymous_id])
        ]

    def remember(self, links: Iterable[Link]) -> None:
        """`links` are durable now."""
        known = self._is_verified
        for link in links:
            known[link.anonymous_id] = link.verified or known.get(link.anonymous_id, False)
        while len(known) > self._size:
            del known[next(iter(known))]
