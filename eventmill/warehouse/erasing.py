"""Removes erased people from the files: days are exported again, or filtered where they cannot be.

An erasure records in its transaction which files still hold the person
(eventmill/privacy/files.py). `erase_waiting` rewrites these files, and then deletes the record.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import LiteralString
from uuid import UUID

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg.types.json import Jsonb

from eventmill.core.database import advisory_lock
from eventmill.core.errors import EventmillError
from eventmill.core.registry import Kind, columns_of
from eventmill.warehouse.catalog import write_catalog
from eventmill.warehouse.exporting import EXPORT_LOCK, NotBuilt, export_day, record
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.pseudonyms import pseudonyms_for, pseudonyms_of
from eventmill.warehouse.reading import keys_of, read_day
from eventmill.warehouse.references import export_references
from eventmill.warehouse.storage import Root, open_root
from eventmill.warehouse.tables import Table, table_named, tables
from eventmill.warehouse.writing import new_build, publish_day

BATCH_ROWS = 65_536

# A day that is filtered waits for its build.
DUE: LiteralString = """
select erasures.erasure_id, erasures.destination, erasures.ids, due.day
from ops.warehouse_erasures as erasures
cross join lateral unnest(erasures.days) as due (day)
where
    due.day <> all(erasures.filtered)
    or due.day in (select builds.date from marts.daily_builds as builds)
order by erasures.asked_at, erasures.erasure_id, erasures.destination, due.day
"""
EXPORTED_ANEW: LiteralString = """
update ops.warehouse_erasures set days = array_remove(days, %(day)s)
where erasure_id = %(erasure_id)s and destination = %(destination)s
"""
FILTERED: LiteralString = """
update ops.warehouse_erasures set filtered = array_append(filtered, %(day)s)
where erasure_id = %(erasure_id)s and destination = %(destination)s
"""
DONE: LiteralString = "delete from ops.warehouse_erasures where cardinality(days) = 0"
OWN: LiteralString = """
select
    raw.event_people(jsonb_populate_record(null::raw.events, held.event)) && %(ids)s::text[]
from jsonb_array_elements(%(events)s) with ordinality as held (event, position)
order by held.position
"""
HELD: LiteralString = """
select table_name
from ops.exported_days
where destination = %(destination)s and day = %(day)s
"""


def due_days(connection: psycopg.Connection) -> list[tuple[UUID, str, list[str], date]]:
    """Erasure, destination, ids as the files have them, and day: what can be done now."""
    row = connection.execute("select count(*) from ops.warehouse_erasures").fetchone()
    return connection.execute(DUE).fetchall() if row != (0,) else []


def erase_waiting(connection: psycopg.Connection) -> int:
    """Rewrite the files of all erasures that are noted; how many days that were.

    `connection` is in autocommit mode. Raises StorageError, and EventmillError for files with
    pseudonyms of a key that is not there any more.
    """
    due = due_days(connection)
    for erasure_id, destination, ids, day in due:
        is_new = erase_from_day(connection, open_root(destination), day, ids)
        connection.execute(
            EXPORTED_ANEW if is_new else FILTERED,
            {"erasure_id": erasure_id, "destination": destination, "day": day},
        )
    for destination in sorted({destination for _, destination, _, _ in due}):
        root = open_root(destination)
        export_references(connection, root, pseudonyms_for(root.url))
    if due:
        write_catalog(open_root())
    connection.execute(DONE)
    return len(due)


def erase_from_day(
    connection: psycopg.Connection,
    root: Root,
    day: date,
    ids: Sequence[str],
) -> bool:
    """Make the files of a day hold nothing of a person who is erased in the database.

    True if that is all; a day that is not built has to be exported anew when it is.

    `ids` are as the files have them. A built day is exported anew, which also takes the person out
    of what others' events say. One that is being built again, and raw events that retention has
    dropped, are filtered.
    """
    is_built = True
    names = {"destination": root.url, "day": day}
    held = [table_named(name) for (name,) in connection.execute(HELD, names)]
    with advisory_lock(connection, EXPORT_LOCK):
        for table in held:
            _require_known_key(root, table, day)
        # Before their events go: of credits, only these say whose they are.
        own_events = _own_events(connection, root, day, ids)
        try:
            exported = export_day(connection, root, day, held, pseudonyms_for(root.url))
            left = {table.name for table in held} - {done.table for done in exported}
        except NotBuilt:
            is_built = False
            left = {table.name for table in held}
        for table in tables():
            if table.name in left and table.people:
                _filter_day(connection, root, table, day, ids, own_events)
    return is_built


def _filter_day(
    connection: psycopg.Connection,
    root: Root,
    table: Table,
    day: date,
    ids: Sequence[str],
    own_events: pa.Array,
) -> None:
    former = _manifest(root, table, day)
    if former is None:
        return
    removed = 0

    def kept() -> Generator[pa.RecordBatch]:
        nonlocal removed
        for batch in _batches(root, former):
            left = without(connection, batch, table, ids, own_events)
            removed += batch.num_rows - left.num_rows
            yield left

    schema = _schema(root, former)
    written = publish_day(
        root,
        replace(former, build=new_build(), exported_at=datetime.now(UTC)),
        schema,
        kept(),
        erased=lambda: removed,
    )
    record(connection, root, [written], None)


def without(
    connection: psycopg.Connection,
    batch: pa.RecordBatch,
    table: Table,
    ids: Sequence[str],
    own_events: pa.Array,
) -> pa.RecordBatch:
    """The batch without rows of the person, and without the person's ids in rows of others."""
    batch = batch.filter(pc.invert(_is_own(connection, batch, table, ids, own_events)))
    for name in table.people:
        value_set = pa.array(_as_in(name, ids), pa.string())
        position = batch.schema.get_field_index(name)
        column = batch.column(position)
        blank = pc.if_else(pc.is_in(column, value_set), pa.scalar(None, pa.string()), column)
        batch = batch.set_column(position, batch.schema.field(position), blank)
    return batch


def _is_own(
    connection: psycopg.Connection,
    batch: pa.RecordBatch,
    table: Table,
    ids: Sequence[str],
    own_events: pa.Array,
) -> pa.Array:
    """Whether a row is the person's. Whose an event is, the database says (migration 0040)."""
    if table.name == "conversion_credits":
        return pc.is_in(batch.column("conversion_id"), own_events)
    if table.name != "events":
        return pc.is_in(batch.column("visitor_id"), pa.array(ids, pa.string()))
    people = columns_of(Kind.PERSON)
    named = pa.array([False] * batch.num_rows)
    for name in people:
        value_set = pa.array(_as_in(name, ids), pa.string())
        named = pc.or_(named, pc.is_in(batch.column(name), value_set))
    # Files that were exported before there were classes of trust have none.
    known = [name for name in ("actor_type", "trust", *people) if name in batch.schema.names]
    events = batch.filter(named).select(known).to_pylist()
    found = connection.execute(OWN, {"events": Jsonb(events), "ids": list(ids)}).fetchall()
    return pc.replace_with_mask(named, named, pa.array([own for (own,) in found], pa.bool_()))


def _as_in(column: str, ids: Sequence[str]) -> list[str]:
    """The ids, spelled as visitors are (migration 0038), as a column of events has them."""
    if column == "visitor_id":
        # Before 0038 a hash had no mark.
        return [*ids, *_without_mark("hash:", ids)]
    if column == "anonymous_id":
        return _without_mark("anon:", ids)
    return [*ids, *_without_mark("actor:", ids)]


def _without_mark(mark: str, ids: Sequence[str]) -> list[str]:
    return [known.removeprefix(mark) for known in ids if known.startswith(mark)]


def _own_events(
    connection: psycopg.Connection, root: Root, day: date, ids: Sequence[str]
) -> pa.Array:
    """Ids of the person's events, as the files of the day have them."""
    nothing = pa.array([], pa.string())
    found = [nothing]
    for table in (table_named("events"), table_named("attribution")):
        former = _manifest(root, table, day)
        for batch in _batches(root, former) if former else ():
            own = _is_own(connection, batch, table, ids, nothing)
            found.append(batch.filter(own).column("event_id"))
    return pa.concat_arrays(found)


def _manifest(root: Root, table: Table, day: date) -> Manifest | None:
    exported = read_day(root, table.name, day)
    return exported.manifest if exported else None


def _batches(root: Root, former: Manifest) -> Generator[pa.RecordBatch]:
    for key in keys_of(former):
        with root.open(key) as file, pq.ParquetFile(file) as reader:
            yield from reader.iter_batches(BATCH_ROWS)


def _schema(root: Root, former: Manifest) -> pa.Schema:
    with root.open(keys_of(former)[0]) as file, pq.ParquetFile(file) as reader:
        return reader.schema_arrow


def _require_known_key(root: Root, table: Table, day: date) -> None:
    """Raise EventmillError if nobody can tell any more how the files name the person."""
    former = _manifest(root, table, day)
    if former and former.key_id not in (None, pseudonyms_of(root.url).key_id):
        raise EventmillError(
            f"{former.table} of {former.day} was exported with another EVENTMILL_WAREHOUSE_KEY"
            f" ({former.key_id}): set it again, so that erased people can be found there"
        )
