"""Keeps out events that were received before their person was erased and are stored only later.

Such events come from the spool, from a replay of rejected events, or from requests in progress.
`raw.erased_subjects` holds keyed hashes of the ids of erased people. Only a batch that is older
than the latest erasure reads it; the statement that stores a batch says whether it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.types.json import Jsonb

from eventmill.core.registry import EventRow, utc_text
from eventmill.privacy.hashes import erasure_key, key_id, subject_hash
from eventmill.privacy.mentions import PERSON_COLUMNS, people_in
from ingest_api.batch import Batch, RejectedRow

EVER = "-infinity"
# In these an event of somebody else may name the person.
NAMED_COLUMNS = PERSON_COLUMNS - {"actor_id", "visitor_id"}

SINCE: LiteralString = """
select subject_hash, key_id, erased_at from raw.erased_subjects where erased_at > %s::timestamptz
"""
# In batches that are older than an erasure only. The rule is in the database (migration 0030).
PEOPLE: LiteralString = """
select raw.event_people(jsonb_populate_record(null::raw.events, sent.event))
from jsonb_array_elements(%s) with ordinality as sent (event, position)
order by sent.position
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
        self._follow(batch)
        people = await _people(connection, batch.rows)
        kept = [
            (position, self._unnamed(row))
            for position, (row, ids) in enumerate(zip(batch.rows, people, strict=True))
            if not self._is_erased(ids, row.received_at)
        ]
        rejected = [row for row in batch.rejected if not self._names_erased(row)]
        links = [
            link
            for link in batch.links
            if not self._is_erased((link.anonymous_id, link.user_id), link.received_at)
        ]
        return Batch([row for _, row in kept], rejected, links), [position for position, _ in kept]

    def _is_erased(self, ids: Iterable[str], received_at: str) -> bool:
        """Whether one of `ids` was erased after `received_at`."""
        return any(known and received_at < self._erased_at(known) for known in ids)

    def _erased_at(self, known: str) -> str:
        found = self._known.get(known)
        if found is None:
            found = self._known[known] = self.erased_at.get(subject_hash(self.key, known), "")
        return found

    def _follow(self, batch: Batch) -> None:
        """An anonymous id that only this batch links with somebody erased is theirs too."""
        for link in batch.links:
            if moment := self._erased_at(link.user_id):
                self._known[link.anonymous_id] = max(moment, self._erased_at(link.anonymous_id))

    def _unnamed(self, row: EventRow) -> EventRow:
        """Somebody else's row, which does not name the erased person any more."""
        named = {
            name: ""
            for name in NAMED_COLUMNS
            if self._is_erased((getattr(row, name),), row.received_at)
        }
        return row._replace(**named) if named else row

    def _names_erased(self, row: RejectedRow) -> bool:
        people = people_in(f"{row.event} {row.context} {row.sender}")
        return self._is_erased(people, row.received_at)


async def _people(
    connection: psycopg.AsyncConnection, rows: Sequence[EventRow]
) -> list[Sequence[str]]:
    """Of each row the ids of the person whose event it is."""
    events = [
        {name: getattr(row, name) or None for name in ("actor_type", *PERSON_COLUMNS)}
        for row in rows
    ]
    cursor = await connection.execute(PEOPLE, (Jsonb(events),))
    return [ids for (ids,) in await cursor.fetchall()]
