"""`<home>/warehouse.duckdb`: a view on the files of each table, and the answers to queries of them.

It holds no data. In a folder the views find new days by themselves, and in a bucket they name the
files of each day, so the catalog is written again after each export.
"""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from eventmill.core.errors import InvalidRequest
from eventmill.core.settings import get_settings
from eventmill.warehouse.folder import Folder
from eventmill.warehouse.reading import DAY_FOLDER, days, files_of_days
from eventmill.warehouse.schemas import last_schema
from eventmill.warehouse.storage import Root
from eventmill.warehouse.tables import Table, tables
from eventmill.warehouse.types import duckdb_type

BATCH_ROWS = 10_000
VIEW = """
create view {table} as
select {columns}
from read_parquet(
    {files}, union_by_name = true, hive_partitioning = true, hive_types = {{'date': date}}
)
"""
EMPTY = "create view {table} as select {columns} where false"
COMMENTS = {
    "events": "One row per event, as sent.",
    "attribution": "One row per event: where its visitor came from, and on what device.",
    "daily_metrics": (
        "One row per UTC day and entity that its ids name; all ids null is the whole platform."
    ),
    "sessions": "One row per session, of the UTC day on which it began.",
    "conversion_credits": "One row per conversion, attribution model and touch.",
}
DAY_COMMENT = "The UTC day of the row: with a condition on it only files of those days are read."


def catalog_path() -> Path:
    return get_settings().home.absolute() / "warehouse.duckdb"


def write_catalog(root: Root) -> Path:
    """Write the catalog anew and put it in place of the former one; whoever has that open keeps it.

    Raises StorageError if the root cannot be read.
    """
    final = catalog_path()
    unfinished = final.with_name(f".{final.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with duckdb.connect(str(unfinished)) as engine:
            let_read(engine, root)
            for table in tables():
                _create_view(engine, root, table)
        unfinished.replace(final)
    finally:
        unfinished.unlink(missing_ok=True)
    return final


def let_read(engine: duckdb.DuckDBPyConnection, root: Root) -> None:
    """Let an engine read the root's files: for a bucket without a download from the network."""
    engine.execute("set autoinstall_known_extensions = false")
    if not isinstance(root, Folder):
        engine.register_filesystem(root.file_system())


def _create_view(engine: duckdb.DuckDBPyConnection, root: Root, table: Table) -> None:
    schema = last_schema(root, table.name)
    if schema is None:
        return  # nothing of it was ever exported
    exported = days(root, table)
    if exported:
        names = [quoted(column.name) for column in schema.columns]
        if table.has_times:
            names.append(quoted("date"))
        query = VIEW.format(
            table=table.name, columns=", ".join(names), files=_files(root, table, exported)
        )
    else:
        nulls = [f"null::{duckdb_type(c.type)} as {quoted(c.name)}" for c in schema.columns]
        if table.has_times:
            nulls.append("null::date as date")
        query = EMPTY.format(table=table.name, columns=", ".join(nulls))
    engine.execute(query)
    engine.execute(f"comment on view {table.name} is {text(COMMENTS[table.name])}")
    for column in schema.columns:
        if column.comment:
            name = f"{table.name}.{quoted(column.name)}"
            engine.execute(f"comment on column {name} is {text(column.comment)}")
    if table.has_times:
        engine.execute(f"comment on column {table.name}.date is {text(DAY_COMMENT)}")


def _files(root: Root, table: Table, exported: Sequence[date]) -> str:
    if root.is_local:
        return text(f"{root.url}/{table.name}/{DAY_FOLDER}*/*.parquet")
    return "[" + ", ".join(map(text, files_of_days(root, table, exported))) + "]"


class Answer(NamedTuple):
    """Names of the columns, and the rows, which are read while they are asked for."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def ask(root: Root, query: str) -> Iterator[Answer]:
    """The answer to a query in DuckDB's SQL. Raises InvalidRequest with what DuckDB says of it."""
    if not catalog_path().exists():
        write_catalog(root)
    with duckdb.connect(str(catalog_path()), read_only=True) as engine:
        engine.execute("set timezone = 'UTC'")
        let_read(engine, root)
        try:
            relation = engine.sql(query)
            if relation is None:
                raise InvalidRequest("the query has no result: it has to be a `select …`")
            reader = relation.to_arrow_reader(BATCH_ROWS)
            names = list(reader.schema.names)
            yield Answer(
                names,
                (
                    row
                    for batch in reader
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
                ),
            )
        except duckdb.Error as error:
            # An error of a bucket comes with its traceback, of which the last line is the error.
            text_of = str(error).strip()
            last_line = text_of.splitlines()[-1]
            is_traceback = text_of.startswith("Traceback")
            raise InvalidRequest(last_line if is_traceback else text_of) from None


def quoted(name: str) -> str:
    """A name as DuckDB takes it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as DuckDB takes it."""
    return "'" + value.replace("'", "''") + "'"
