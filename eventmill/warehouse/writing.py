"""One day of one table, from the database into the warehouse: streamed, then published at once."""

import hashlib
import secrets
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eventmill.core.errors import NotFound
from eventmill.warehouse.manifest import Column, DayBuild, File, Manifest
from eventmill.warehouse.prefetching import prefetched
from eventmill.warehouse.pseudonymising import pseudonymised
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.publishing import unpublished_day
from eventmill.warehouse.schemas import next_version
from eventmill.warehouse.source import Snapshot, day_query
from eventmill.warehouse.storage import Root
from eventmill.warehouse.tables import Table, table_named
from eventmill.warehouse.types import columns_of

# Readers skip whole groups, and hold some of them: large enough to compress, small enough to hold.
GROUP_ROWS = 65_536
GROUP_BYTES = 32 * 1024 * 1024
# About 200 MB of events: several readers share a large day, and scratch space has a bound.
FILE_ROWS = 2_000_000


def new_build() -> str:
    """A name for an export of a day, in the order of time and used once."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def write_day(
    root: Root,
    table: Table,
    day: date,
    snapshot: Snapshot,
    build: DayBuild,
    pseudonyms: Pseudonyms | None,
) -> Manifest:
    """Write a day and put it in place of the one that was there; its manifest.

    Whoever calls holds the lock of all exports. Raises StorageError, and psycopg.OperationalError
    when the database goes away; then readers see what they saw before.
    """
    columns = columns_of(snapshot.connection, table)
    if not columns:
        raise NotFound(f"there is no {table.source}: build a day first")
    schema = pa.schema([(column.name, column.kind.arrow) for column in columns])
    query = day_query(table, columns, day, redacted=pseudonyms is not None)
    batches = snapshot.batches(query, schema)
    if pseudonyms and table.people:
        batches = pseudonymised(batches, table.people, pseudonyms)
    return publish_day(
        root,
        Manifest(
            table=table.name,
            day=day,
            build=new_build(),
            exported_at=datetime.now(UTC),
            schema_version=1,
            schema=tuple(
                Column(name, kind.name, comment, pseudonyms is not None and name in table.people)
                for name, kind, comment in columns
            ),
            sorted_by=table.sorted_by,
            files=(),
            rows=0,
            totals={},
            receipt=build,
            key_id=pseudonyms.key_id if pseudonyms else None,
        ),
        schema,
        batches,
    )


def publish_day(
    root: Root,
    manifest: Manifest,
    schema: pa.Schema,
    batches: Generator[pa.RecordBatch],
    erased: Callable[[], int] = lambda: 0,
) -> Manifest:
    """Write the files of `batches` and then `manifest`, with what they turned out to hold.

    `erased` is asked in the end how many rows an erasure has taken out of the batches.
    """
    with unpublished_day(root, manifest.table, manifest.day, manifest.build) as new:
        version = next_version(root, manifest.table, manifest.schema)
        files = []
        totals = Totals(schema)
        with closing(_files(new.folder, manifest, schema, batches, totals)) as complete:
            for written in complete:
                new.add(written.name)
                files.append(written)
        done = replace(
            manifest,
            schema_version=version,
            files=tuple(files),
            rows=sum(file.rows for file in files),
            totals=totals.as_text(),
            erased_rows=manifest.erased_rows + erased(),
        )
        new.publish(done)
    return done


class Totals:
    """Sums of the numeric columns, and how many of the true-or-false ones are true; both exact."""

    def __init__(self, schema: pa.Schema) -> None:
        summed = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_boolean)
        self.sums = {
            column.name: Decimal(0)
            for column in schema
            if any(is_kind(column.type) for is_kind in summed)
        }

    def add(self, rows: pa.Table) -> None:
        for name in self.sums:
            self.sums[name] += Decimal(pc.sum(rows.column(name)).as_py() or 0)

    def as_text(self) -> dict[str, str]:
        return {name: str(total) for name, total in self.sums.items()}


def _files(
    folder: Path,
    manifest: Manifest,
    schema: pa.Schema,
    batches: Generator[pa.RecordBatch],
    totals: Totals,
) -> Generator[File]:
    """Each file as soon as it is complete. A day without rows has one too, for its schema."""
    with closing(prefetched(_groups(schema, batches))) as groups:
        group = next(groups, None)
        number = 0
        while number == 0 or group is not None:
            path = folder / f"{manifest.build}-{number:03}.parquet"
            rows = 0
            with pq.ParquetWriter(
                path, schema, compression="zstd", use_dictionary=_repeating(manifest.table, schema)
            ) as writer:
                while group is not None and rows < FILE_ROWS:
                    writer.write_table(group, row_group_size=max(group.num_rows, 1))
                    totals.add(group)
                    rows += group.num_rows
                    group = next(groups, None)
            yield File(path.name, rows, path.stat().st_size, _sha256(path))
            number += 1


def _groups(schema: pa.Schema, batches: Generator[pa.RecordBatch]) -> Generator[pa.Table]:
    """Batches together until they are a row group."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    with closing(batches):
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                yield pa.Table.from_batches(waiting).cast(schema)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting).cast(schema)


def _repeating(table: str, schema: pa.Schema) -> list[str]:
    """Columns worth a dictionary. Of times and ids each row has another, and trying takes time."""
    return [
        column.name
        for column in schema
        if (pa.types.is_string(column.type) or pa.types.is_list(column.type))
        and column.name not in {"event_id", *table_named(table).people}
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
