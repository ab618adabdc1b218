"""Events whose id was stored before: duplicates, and ids that another class of trust has.

Ids collide only within one class. An id is stored once over all classes, so where two classes send
the same UUID the more trusted one has it, whichever came first, and the other's event is stored
under an id that is derived from both (docs/decisions/0035-ids-by-class.md). All of this is off the
way that new events take: it is asked only for ids that could not be claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from eventmill.core.registry import EventRow
from eventmill.core.trust import Trust
from ingest_api.event_ids import derived_id, new_event_id

# Field of the envelope → the columns that it ends in. At most 16: each is a byte of the hash. What
# differs between two tries of one event (sent_at, received_at, the visitor's hash) is none of them.
CONTENT: Final = {
    "event_type": ("event_type",),
    "source": ("source",),
    "actor_type": ("actor_type",),
    "actor_id": ("actor_id",),
    "anonymous_id": ("anonymous_id",),
    "session_id": ("session_id",),
    "project_id": ("project_id",),
    "ip_asset_id": ("ip_asset_id",),
    "license_id": ("license_id",),
    "user_id": ("user_id",),
    "brand_id": ("brand_id",),
    "creator_id": ("creator_id",),
    "props": ("props_json",),
    "context": ("page_url", "landing_page", "referrer", "user_agent"),
    "context.utm": ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    "context.click_id": ("click_id",),
}
_FIELDS: Final = tuple(CONTENT)


def _hashed(columns: Sequence[str]) -> sql.Composable:
    """SQL of the hash of some columns of a row of `batch`, an integer."""
    names = [sql.SQL("batch.{}").format(sql.Identifier(name)) for name in columns]
    if columns == ("props_json",):
        return sql.SQL("jsonb_hash({})").format(*names)
    if len(names) == 1:
        return sql.SQL("coalesce(hashtext({}), 0)").format(*names)
    return sql.SQL("hashtext(concat_ws(e'\\x1f', {}))").format(sql.SQL(", ").join(names))


def _eight(groups: Sequence[tuple[str, ...]]) -> sql.Composable:
    """SQL of up to eight bytes, one for each group of columns."""
    return sql.SQL("int8send({})").format(
        sql.SQL(" | ").join(
            sql.SQL("(({} & 255)::bigint << {})").format(_hashed(group), sql.Literal(56 - 8 * n))
            for n, group in enumerate(groups)
        )
    )


_GROUPS: Final = tuple(CONTENT.values())
CONTENT_SQL: Final = sql.SQL("{} || {}").format(_eight(_GROUPS[:8]), _eight(_GROUPS[8:]))
"""SQL of `raw.event_ids.content` of a row of `batch`."""

# An event without a time of its own has that of its receipt, which is another for each try.
COMPARE: LiteralString = """
{batch}

select
    batch.position,
    known.trust,
    known.occurred_at::text,
    known.content,
    {content},
    batch.occurred_at <> batch.received_at and batch.occurred_at <> known.occurred_at
from batch
inner join raw.event_ids as known on batch.event_id = known.event_id
"""

# The event of a less trusted sender leaves its id to a more trusted one. Its day is built again.
GIVE_WAY: LiteralString = """
with known as (
    update raw.event_ids set event_id = %(other)s
    where event_id = %(held)s and trust = %(trust)s
    returning occurred_at
),

events as (
    update raw.events set event_id = %(other)s
    where event_id = %(held)s and occurred_at = %(occurred_at)s and trust = %(trust)s
),

lifecycle as (
    update raw.lifecycle_events set event_id = %(other)s
    where event_id = %(held)s and trust = %(trust)s
)

insert into raw.touched_days as touched (day, writer, last_xid, events)
select (occurred_at at time zone 'UTC')::date, pg_backend_pid(), pg_current_xact_id(), 0
from known
on conflict (day, writer) do update set
    last_xid = excluded.last_xid,
    touched_at = excluded.touched_at
"""


@dataclass(frozen=True, slots=True)
class Met:
    """What became of a row whose id was stored before it."""

    event_id: str
    """What it is stored under, or what the stored event has."""
    is_new: bool
    """Whether it was stored: the id is another class's, or was."""
    differing: tuple[str, ...] = ()
    """Fields in which a duplicate differs from the stored event."""


@dataclass(slots=True)
class Settled:
    """Rows by their position: duplicates, and those that are to be stored again with these ids."""

    duplicates: dict[int, Met] = field(default_factory=dict)
    again: dict[int, EventRow] = field(default_factory=dict)


class _Known(NamedTuple):
    """What a row meets. `trust` is None of a claim that an older version made."""

    position: int
    trust: int | None
    occurred_at: str
    content: bytes | None
    sent_content: bytes
    has_other_time: bool

    def differing(self) -> tuple[str, ...]:
        if self.content is None:
            return ()
        pairs = zip(_FIELDS, self.content, self.sent_content, strict=True)
        found = [name for name, stored, sent in pairs if stored != sent]
        return (*found, "occurred_at") if self.has_other_time else tuple(found)


async def settle(
    connection: psycopg.AsyncConnection,
    rows: Sequence[EventRow],
    compare: bytes,
    parameters: dict[str, Any],
) -> Settled:
    """What is to become of `rows`, none of whose ids could be claimed.

    `compare` is COMPARE with the rows of `parameters`. A less trusted event that has the id of a
    more trusted row gets another one, in a transaction of its own. Raises what psycopg raises.
    """
    settled = Settled()
    found = await (await connection.execute(compare, parameters)).fetchall()
    known = {one.position: one for one in map(_Known._make, found)}
    for position, row in enumerate(rows):
        met = known.get(position + 1)
        trust = int(row.trust)
        if met is None or met.trust in (None, trust):
            differing = met.differing() if met is not None else ()
            settled.duplicates[position] = Met(row.event_id, is_new=False, differing=differing)
        elif met.trust is not None and met.trust > trust:
            settled.again[position] = row._replace(event_id=derived_id(row.event_id, Trust(trust)))
        else:
            await _give_way(connection, row.event_id, met)
            settled.again[position] = row
    return settled


async def _give_way(connection: psycopg.AsyncConnection, held: str, met: _Known) -> None:
    trust = Trust(met.trust or 0)
    parameters = {"held": held, "trust": int(trust), "occurred_at": met.occurred_at}
    try:
        await connection.execute(GIVE_WAY, {**parameters, "other": derived_id(held, trust)})
    except psycopg.errors.UniqueViolation:
        # Its sender took the derived id too. A retry of theirs may then be stored twice.
        await connection.execute(GIVE_WAY, {**parameters, "other": new_event_id()})
