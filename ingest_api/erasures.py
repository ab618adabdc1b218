"""Keeps out events that were received before their person was erased and are stored only later.

Such events come from the spool, from a replay of rejected events, or from requests in progress.
`raw.erased_subjects` holds keyed hashes of the ids of erased people. Only a batch that is older
than the latest erasure reads it; the statement that stores a batch says whether it is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.types.json import Jsonb

from eventmill.core.plain_json import text_problem
from eventmill.core.registry import EventRow, utc_text
from eventmill.core.trust import Trust
from eventmill.privacy.hashes import erasure_key, key_id, subject_hash, visitor_hash
from eventmill.privacy.mentions import PERSON_COLUMNS, people_in
from ingest_api.batch import Batch, RejectedRow
from ingest_api.identities import Link

EVER = "-infinity"
_MARK = re.compile(r"^(?:actor|anon|hash):")
# In these an event of somebody else may name the person.
NAMED_COLUMNS = PERSON_COLUMNS - {"actor_id", "visitor_id"}

SINCE: LiteralString = """
select subject_hash, key_id, erased_at from raw.erased_subjects where erased_at > %s::timestamptz
"""
# In batches that are older than an erasure only. The rules are in the database (migrations 0038 and
# 0040).
PEOPLE: LiteralString = """
select raw.event_people(jsonb_populate_record(null::raw.events, sent.event))
from jsonb_array_elements(%s) with ordinality as sent (event, position)
order by sent.position
"""
VISITORS: LiteralString = """
select
    id, rules.actor_visitor(id), rules.anonymous_visitor(id), rules.visitor(null, null, id)
from unnest(%s::text[]) as sent (id)
"""
OTHER_KEY = (
    "people were erased with another key, so nobody can tell whether waiting events are theirs:"
    " set EVENTMILL_ERASURE_KEY to that of the dashboards API"
)


class OtherKey(psycopg.OperationalError):
    """As if the database were away: the events wait in the spool until the key is there."""


def oldest_receipt(batch: Batch) -> str:
    """When the oldest part of the batch was received, as text that PostgreSQL reads."""
    times = [row.received_at for row in batch.rows]
    times += [row.received_at for row in batch.rejected]
    times += [link.received_at for link in batch.links]
    return min(times) or EVER


@dataclass(slots=True)
class Erasures:
    """Everybody who was erased after some moment. Times are ISO 8601 in UTC, as in rows."""

    key: bytes
    erased_at: dict[bytes, str]
    _known: dict[str, str] = field(default_factory=dict)
    """Visitor → when they were erased, "" if they were not."""
    _visitors: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Id → the visitors that it is as an actor, as an anonymous id and as a hash."""

    @classmethod
    async def since(cls, connection: psycopg.AsyncConnection, moment: str) -> "Erasures":
        """Raises OtherKey if one was noted with another key."""
        cursor = await connection.execute(SINCE, (moment,))
        rows: list[tuple[bytes, str, datetime]] = await cursor.fetchall()
        key = erasure_key()
        if any(made_with != key_id(key) for _, made_with, _ in rows):
            raise OtherKey(OTHER_KEY)
        return cls(key, {bytes(hashed): utc_text(moment) for hashed, _, moment in rows})

    @property
    def last(self) -> str:
        """When the last one was."""
        return max(self.erased_at.values(), default=EVER)

    async def without(
        self, connection: psycopg.AsyncConnection, batch: Batch
    ) -> tuple[Batch, list[int]]:
        """What may be stored of `batch`, and the positions of its event rows that are kept."""
        named = [_named_in(row) for row in batch.rejected]
        ids = {getattr(row, name) for row in batch.rows for name in NAMED_COLUMNS}
        ids.update(*named, *((link.anonymous_id, link.user_id) for link in batch.links))
        cursor = await connection.execute(VISITORS, (sorted(ids - {""}),))
        self._visitors = {
            id_: (user, device, hash_) for id_, user, device, hash_ in await cursor.fetchall()
        }
        self._follow(batch)
        people = await _people(connection, batch.rows)
        kept = [
            (position, self._unnamed(row))
            for position, (row, visitors) in enumerate(zip(batch.rows, people, strict=True))
            if not self._is_erased(visitors, row.received_at)
        ]
        rejected = [
            row
            for row, found in zip(batch.rejected, named, strict=True)
            if not any(self._is_erased(self._visitors[id_], row.received_at) for id_ in found)
        ]
        links = [
            link
            for link in batch.links
            if not self._is_erased(self._of_link(link), link.received_at)
        ]
        return Batch([row for _, row in kept], rejected, links), [position for position, _ in kept]

    def _is_erased(self, visitors: Iterable[str], received_at: str) -> bool:
        """Whether one of `visitors` was erased after `received_at`."""
        return any(received_at < self._erased_at(visitor) for visitor in visitors)

    def _erased_at(self, visitor: str) -> str:
        found = self._known.get(visitor)
        if found is None:
            # Who was erased before migration 0040 is known by the id alone, of whatever kind.
            hashes = visitor_hash(self.key, visitor), subject_hash(self.key, _MARK.sub("", visitor))
            found = self._known[visitor] = max(self.erased_at.get(hash_, "") for hash_ in hashes)
        return found

    def _of_link(self, link: Link) -> tuple[str, str]:
        """The user and the device."""
        return self._visitors[link.user_id][0], self._visitors[link.anonymous_id][1]

    def _follow(self, batch: Batch) -> None:
        """An anonymous id that only this batch links with somebody erased is theirs too."""
        for link in batch.links:
            user, device = self._of_link(link)
            if link.trust > Trust.PUBLISHABLE and (moment := self._erased_at(user)):
                self._known[device] = max(moment, self._erased_at(device))

    def _unnamed(self, row: EventRow) -> EventRow:
        """Somebody else's row, which does not name the erased person any more."""
        named = {
            name: ""
            for name in NAMED_COLUMNS
            if (known := getattr(row, name))
            and self._is_erased((self._visitors[known][name == "anonymous_id"],), row.received_at)
        }
        return row._replace(**named) if named else row


def _named_in(row: RejectedRow) -> list[str]:
    """Whom a refused event names. What no column can hold is nobody's id."""
    found = people_in(f"{row.event} {row.context} {row.sender}")
    return [id_ for id_ in found if text_problem(id_) is None]


async def _people(
    connection: psycopg.AsyncConnection, rows: Sequence[EventRow]
) -> list[Sequence[str]]:
    """Of each row the ids of the person whose event it is."""
    events = [
        {name: getattr(row, name) or None for name in ("actor_type", "trust", *PERSON_COLUMNS)}
        for row in rows
    ]
    cursor = await connection.execute(PEOPLE, (Jsonb(events),))
    return [ids for (ids,) in await cursor.fetchall()]
