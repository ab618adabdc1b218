"""Types of PostgreSQL as they are in the warehouse's files.

What Arrow, Parquet and every warehouse understand alike: a uuid and JSON are text there, and all
times are in UTC, to the microsecond.
"""

import re
from typing import LiteralString, NamedTuple

import psycopg
import pyarrow as pa

from eventmill.core.errors import ConfigurationError
from eventmill.warehouse.tables import Table

UTC_TIME = pa.timestamp("us", "UTC")


class Kind(NamedTuple):
    """How a column is read (`cast`, as PostgreSQL has it), written, and named in a manifest."""

    name: str
    arrow: pa.DataType
    duckdb: str
    cast: LiteralString | None = None


_KINDS = {
    "uuid": Kind("string", pa.string(), "varchar", "text"),
    "text": Kind("string", pa.string(), "varchar"),
    "jsonb": Kind("string", pa.string(), "varchar", "text"),
    "timestamp with time zone": Kind("timestamp[us, UTC]", UTC_TIME, "timestamptz"),
    "date": Kind("date", pa.date32(), "date"),
    "bigint": Kind("int64", pa.int64(), "bigint"),
    "integer": Kind("int32", pa.int32(), "integer"),
    "smallint": Kind("int32", pa.int32(), "integer", "integer"),
    "boolean": Kind("bool", pa.bool_(), "boolean"),
    "double precision": Kind("float64", pa.float64(), "double"),
    "text[]": Kind("list<string>", pa.list_(pa.string()), "varchar[]"),
}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


class SourceColumn(NamedTuple):
    """A column of a table in the database."""

    name: str
    kind: Kind
    comment: str | None


COLUMNS: LiteralString = """
select
    columns.attname,
    format_type(columns.atttypid, columns.atttypmod),
    col_description(columns.attrelid, columns.attnum)
from pg_attribute as columns
where
    columns.attrelid = to_regclass(%(source)s)
    and columns.attnum > 0
    and not columns.attisdropped
order by columns.attnum
"""


def columns_of(connection: psycopg.Connection, table: Table) -> list[SourceColumn]:
    """The columns of a table's source, in order; none if it is not there.

    Raises ConfigurationError for a type that has no place in the files.
    """
    rows = connection.execute(COLUMNS, {"source": table.source}).fetchall()
    return [
        SourceColumn(name, kind_of(f"{table.source}.{name}", type_), comment)
        for name, type_, comment in rows
    ]


def kind_of(column: str, type_: str) -> Kind:
    """The kind of a type as `format_type` calls it. Raises ConfigurationError naming `column`."""
    if found := _KINDS.get(type_):
        return found
    if numeric := _NUMERIC.fullmatch(type_):
        precision, scale = int(numeric[1]), int(numeric[2])
        name = f"decimal({precision}, {scale})"
        return Kind(name, pa.decimal128(precision, scale), name, "text")
    raise ConfigurationError(
        f"{column} is {type_}, which the warehouse's files have no type for: give it one of"
        f" {', '.join(_KINDS)} or numeric(precision, scale)"
    )


def duckdb_type(name: str) -> str:
    """DuckDB's type for one that a manifest names. Raises ValueError for a name it never has."""
    for kind in _KINDS.values():
        if kind.name == name:
            return kind.duckdb
    if re.fullmatch(r"decimal\(\d+, \d+\)", name):
        return name
    raise ValueError(f"{name!r} is no type of the warehouse's files")
