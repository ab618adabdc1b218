"""What one commit stores: event rows, rejected events, and links between ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from eventmill.core.registry import EventRow
from ingest_api.identities import Link


class RejectedRow(NamedTuple):
    """One row of `raw.rejected_events`, all as text. Names and order are the columns'."""

    event_id: str
    received_at: str
    key_id: str
    """ "" is null."""
    sender: str
    """JSON; so are the event, the context and the errors."""
    route: str
    event: str
    context: str
    errors: str


@dataclass(slots=True)
class Batch:
    """Stored completely or not at all."""

    rows: Sequence[EventRow] = ()
    rejected: Sequence[RejectedRow] = ()
    links: Sequence[Link] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected) + len(self.links)

    def halves(self) -> tuple["Batch", "Batch"]:
        """The first half of everything, and the rest."""
        rows = len(self) // 2
        rejected = max(rows - len(self.rows), 0)
        links = max(rejected - len(self.rejected), 0)
        return (
            Batch(self.rows[:rows], self.rejected[:rejected], self.links[:links]),
            Batch(self.rows[rows:], self.rejected[rejected:], self.links[links:]),
        )

    def characters(self) -> int:
        """About how much memory it takes: what may be long, and the rest roughly."""
        return (
            sum([_characters(row) for row in self.rows])
            + sum([500 + len(row.event) + len(row.errors) for row in self.rejected])
            + 500 * len(self.links)
        )

    def encode(self) -> bytes:
        """As JSON, with the columns' names: a newer version may have more of them."""
        parts = ((EventRow, self.rows), (RejectedRow, self.rejected), (Link, self.links))
        return orjson.dumps([[kind._fields, [list(row) for row in rows]] for kind, rows in parts])


def merged(batches: Iterable[Batch]) -> Batch:
    """One batch of several, in their order."""
    together = list(batches)
    if len(together) == 1:
        return together[0]
    return Batch(
        [row for batch in together for row in batch.rows],
        [row for batch in together for row in batch.rejected],
        [link for batch in together for link in batch.links],
    )


def decode(body: bytes) -> Batch:
    """What `encode` made, also of an older version: a column that it did not have is as absent."""
    rows, rejected, links = orjson.loads(body)
    return Batch(_read(EventRow, rows), _read(RejectedRow, rejected), _read(Link, links))


def _read(kind: Any, part: Any) -> list[Any]:
    columns, rows = part
    if tuple(columns) == kind._fields:
        return [kind._make(row) for row in rows]
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    absent = {**dict.fromkeys(kind._fields, ""), **kind._field_defaults}
    return [kind(**{name: row.get(name, absent[name]) for name in kind._fields}) for row in named]


def _characters(row: EventRow) -> int:
    return 500 + len(row.props_json) + len(row.page_url) + len(row.landing_page) + len(row.referrer)
