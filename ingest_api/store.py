"""One transaction that stores a batch, each event id once.

One statement stores the events. It is a transaction and a single round trip: it inserts the ids
into `raw.event_ids`, the events with new ids into `raw.events`, and their days into
`raw.touched_days`. The rows are sent as one text, which the server splits. Of nine ways that were
measured, this one costs the service least (docs/decisions/0011-ingest-throughput.md).
"""

import secrets
from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from eventmill.core.registry import COLUMNS, EventRow
from ingest_api.batch import Batch
from ingest_api.collisions import COMPARE, CONTENT_SQL, Met, settle
from ingest_api.erasures import Erasures, oldest_receipt
from ingest_api.identities import store_links

# Ids are claimed in order, so that two writers with common ids wait for each other and never
# deadlock. A writer's days are its own rows, so there nobody waits for anybody. The answer is what
# was new, or null if all was, as usual: so much the less to join, to send and to read. `offset 0`
# keeps a line from being split once for each column.
_BATCH: LiteralString = """
with batch as materialized (
    select {values}
    from (
        select string_to_array(line, %(value_end)s, '') as v, position
        from string_to_table(%(rows)s, %(row_end)s) with ordinality as lines (line, position)
        offset 0
    ) as lines
)
"""
_STORE: LiteralString = """
{batch},

-- Nothing is stored while somebody was erased whom the rows were not held against.
erasures as (
    select coalesce(max(erased_at) <= %(checked)s::timestamptz, true) as are_checked
    from raw.erased_subjects
),

claimed as (
    insert into raw.event_ids (event_id, occurred_at, trust, content)
    select event_id, occurred_at, trust, {content}
    from batch
    where (select are_checked from erasures)
    order by event_id
    on conflict do nothing
    returning event_id, occurred_at
),

stored as (
    insert into raw.events ({columns})
    select batch.* from batch inner join claimed on batch.event_id = claimed.event_id
),

touched as (
    insert into raw.touched_days as known (day, writer, last_xid, events)
    select (occurred_at at time zone 'UTC')::date, pg_backend_pid(), pg_current_xact_id(), count(*)
    from claimed
    group by 1
    order by 1
    on conflict (day, writer) do update set
        last_xid = excluded.last_xid,
        touched_at = excluded.touched_at,
        events = known.events + excluded.events
)

select
    case
        when (select count(*) from claimed) < %(sent)s
            then array(select event_id::text from claimed)
    end,
    (select are_checked from erasures)
"""


def _value(name: str) -> sql.Composed:
    """A column's value in a line. How a visitor is spelled, the database says (migration 0038)."""
    names = ("actor_id", "anonymous_id", name) if name == "visitor_id" else (name,)
    parts = sql.SQL(", ").join(
        sql.SQL("v[{}]").format(sql.Literal(EventRow._fields.index(part) + 1)) for part in names
    )
    form = "rules.visitor({})" if name == "visitor_id" else "{}::" + COLUMNS[name].type
    return sql.SQL(form + " as {}").format(parts, sql.Identifier(name))


_VALUES: Final = [_value(name) for name in EventRow._fields]


def _batch(*columns: sql.Composable) -> sql.Composed:
    """SQL of the rows that a statement gets, as `batch`."""
    return sql.SQL(_BATCH).format(values=sql.SQL(", ").join(columns))


STORE: Final = (
    sql.SQL(_STORE)
    .format(
        batch=_batch(*_VALUES),
        columns=sql.SQL(", ").join(map(sql.Identifier, EventRow._fields)),
        content=CONTENT_SQL,
    )
    .as_string()
    .encode()
)
COMPARED: Final = (
    sql.SQL(COMPARE)
    .format(batch=_batch(*_VALUES, sql.SQL("position")), content=CONTENT_SQL)
    .as_string()
    .encode()
)
# The same for what is no event, in front of its transaction's other statements: who erases somebody
# waits for all who have read this table (eventmill/privacy/erase.py).
CHECKED: LiteralString = """
select coalesce(max(erased_at) <= %s::timestamptz, true) from raw.erased_subjects
"""
# The planner knows nothing of the rows in a parameter; with the nested loops that few rows suggest,
# 2,000 would be four million comparisons.
SETTINGS: LiteralString = "set enable_nestloop = off"
ROW_END: Final = "\x1e"
VALUE_END: Final = "\x1f"
SEPARATORS: Final = len(EventRow._fields) - 1

# The same rejected event twice, by a retry or because a batch came by the spool too, is kept once.
REJECT: LiteralString = """
insert into raw.rejected_events (
    event_id, received_at, key_id, sender, route, event, context, errors
)
select
    event_id::uuid, received_at::timestamptz, nullif(key_id, ''), sender::jsonb, route, event,
    context::jsonb, errors::jsonb
from unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]
) as rejected (event_id, received_at, key_id, sender, route, event, context, errors)
order by event_id
on conflict do nothing
"""


async def store(connection: psycopg.AsyncConnection, batch: Batch) -> list[bool | Met | None]:
    """Commit `batch` and say of each event row whether it was new, or what its id met; None: its
    person was erased.

    All or nothing, but for ids that another class of trust has: their rows follow in a commit of
    their own. Of rows with the same id and class the first is stored. `connection` is in autocommit
    mode, with SETTINGS, and the days' partitions exist. Raises what psycopg raises, OtherKey among
    it, and ValueError for text that has no encoding.
    """
    kept, checked = batch, oldest_receipt(batch)
    positions: Sequence[int] = range(len(batch.rows))
    while (is_new := await _store(connection, kept, checked)) is None:
        erasures = await Erasures.since(connection, oldest_receipt(batch))
        kept, positions = await erasures.without(connection, batch)
        checked = max(erasures.last, checked)
    outcomes: list[bool | Met | None] = [None] * len(batch.rows)
    for position, found in zip(positions, is_new, strict=True):
        outcomes[position] = found
    if not all(is_new):
        met = [n for n, found in enumerate(is_new) if not found]
        answers = await _met(connection, [kept.rows[n] for n in met])
        for n, answer in zip(met, answers, strict=True):
            outcomes[positions[n]] = answer
    return outcomes


async def _met(
    connection: psycopg.AsyncConnection, rows: Sequence[EventRow]
) -> list[bool | Met | None]:
    """What became of rows whose ids were there; those that only another class had are stored."""
    settled = await settle(connection, rows, COMPARED, parameters(rows))
    outcomes: list[bool | Met | None] = [settled.duplicates.get(n) for n in range(len(rows))]
    if settled.again:
        stored = await store(connection, Batch(list(settled.again.values())))
        for (n, row), outcome in zip(settled.again.items(), stored, strict=True):
            outcomes[n] = Met(row.event_id, is_new=True) if outcome is True else outcome
    return outcomes


async def _store(
    connection: psycopg.AsyncConnection, batch: Batch, checked: str
) -> list[bool] | None:
    """None if nothing was stored, as there is an erasure after `checked`."""
    if not batch.rejected and not batch.links:
        return await _store_events(connection, batch.rows, checked)
    async with connection.transaction():
        answer = await (await connection.execute(CHECKED, (checked,))).fetchone()
        if answer != (True,):
            return None
        is_new = await _store_events(connection, batch.rows, checked)
        if batch.rejected:
            columns = [list(column) for column in zip(*batch.rejected, strict=True)]
            await connection.execute(REJECT, columns)
        await store_links(connection, batch.links)
    return is_new


async def _store_events(
    connection: psycopg.AsyncConnection, rows: Sequence[EventRow], checked: str
) -> list[bool] | None:
    """Whether each was new; None if nothing was stored, as there is an erasure after `checked`."""
    if not rows:
        return []
    first = {row.event_id: row for row in reversed(rows)}
    sent = parameters(list(first.values()), checked)
    answer = await (await connection.execute(STORE, sent)).fetchone()
    assert answer is not None
    stored, are_checked = answer
    if not are_checked:
        return None
    if stored is None and len(first) == len(rows):
        return [True] * len(rows)
    new = set(first if stored is None else stored)
    is_new = []
    for row in rows:
        is_new.append(row.event_id in new)
        new.discard(row.event_id)
    return is_new


def parameters(rows: Sequence[EventRow], checked: str = "infinity") -> dict[str, str | int]:
    """The parameters of STORE. Rows that hold a separator themselves get others, at random.

    `checked` is the time up to which the rows were held against erasures.
    """
    value_end, row_end = VALUE_END, ROW_END
    text = row_end.join([value_end.join(row) for row in rows])
    if text.count(value_end) != SEPARATORS * len(rows) or text.count(row_end) != len(rows) - 1:
        value_end, row_end = secrets.token_hex(16), secrets.token_hex(16)
        text = row_end.join([value_end.join(row) for row in rows])
    return {
        "rows": text,
        "sent": len(rows),
        "row_end": row_end,
        "value_end": value_end,
        "checked": checked,
    }
