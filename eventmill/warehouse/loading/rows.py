"""The rows of an exported day in the form that is loaded: with the day, and without lists."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.loading.errors import DayReplaced
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.reading import keys_of
from eventmill.warehouse.storage import Root

DAY = "date"
"""The partition column: each table has it, also those whose rows have times."""


def row_groups(root: Root, manifest: Manifest) -> Iterator[pa.Table]:
    """The day, a row group at a time; of a day without rows one row of nulls.

    That one is for the merge to have something to begin with: it inserts only rows of the day.
    Raises DayReplaced when the files go away, StorageError when they do not hold what they should.
    """
    found = 0
    for key in keys_of(manifest):
        with opened(root, key) as file, pq.ParquetFile(file) as parquet:
            for number in range(parquet.num_row_groups):
                group = parquet.read_row_group(number)
                if group.num_rows:
                    found += group.num_rows
                    yield as_loaded(group, manifest.day)
            if not manifest.rows:
                empty = parquet.schema_arrow
                yield _nulls(as_loaded(empty.empty_table(), manifest.day).schema)
                return
    if found != manifest.rows:
        raise StorageError(
            f"{manifest.table} of {manifest.day} has {found} rows, and its manifest says"
            f" {manifest.rows}"
        )


@contextmanager
def opened(root: Root, key: str) -> Iterator[BinaryIO]:
    """A file of the warehouse. Raises DayReplaced if it is not there any more."""
    try:
        with root.open(key) as file:
            yield file
    except FileNotFoundError as error:
        raise DayReplaced(f"{root.url_of(key)} is gone") from error


def as_loaded(rows: pa.Table, day: date) -> pa.Table:
    """The rows with their day last, unless they have it, and lists as JSON text."""
    for position, column in enumerate(rows.schema):
        if pa.types.is_list(column.type):
            texts = [None if v is None else json.dumps(v, ensure_ascii=False)
                     for v in rows.column(position).to_pylist()]  # fmt: skip
            rows = rows.set_column(position, column.name, pa.array(texts, pa.string()))
    if DAY not in rows.column_names:
        rows = rows.append_column(DAY, pa.repeat(pa.scalar(day, pa.date32()), rows.num_rows))
    return rows


def _nulls(schema: pa.Schema) -> pa.Table:
    nullable = pa.schema([pa.field(column.name, column.type) for column in schema])
    return pa.table([pa.nulls(1, column.type) for column in nullable], schema=nullable)
