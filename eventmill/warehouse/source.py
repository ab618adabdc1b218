"""Reads days from the database: Arrow batches from a binary COPY, all of one snapshot.

ADBC's driver turns PostgreSQL's binary COPY into Arrow in C, a batch at a time, while the server
sends on: no day is ever held in memory (docs/decisions/0024 has what other ways took).
"""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import LiteralString

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import psycopg
import pyarrow as pa
from psycopg import sql

from eventmill.core.database import database_url, one_moment
from eventmill.core.days import DayWindow
from eventmill.core.tracking_plan import tracking_plan
from eventmill.warehouse.manifest import DayBuild
from eventmill.warehouse.prefetching import prefetched
from eventmill.warehouse.tables import Table
from eventmill.warehouse.types import SourceColumn

# A day is sorted, which needs more than the 4 MB of a default server.
SESSION = (
    "set timezone = 'UTC'",
    "set statement_timeout = 0",
    "set work_mem = '64MB'",
    "set application_name = 'eventmill export'",
)
BUILD: LiteralString = """
select built_at, definition, events, watermark, parser_version, build_id::text
from marts.daily_builds
where date = %(day)s
"""
# The microseconds of a day take 37 bits.
TEXT_AND_TIME: LiteralString = """
(
    array_position(
        array(select distinct {text} from {source} as day where {is_of_day} order by 1), {text}
    )::bigint << 37
) + (date_part('epoch', {time} - {start}) * 1000000)::bigint
"""
DAY: LiteralString = "select {columns} from {source} as day where {is_of_day} order by {order}"


class Snapshot:
    """One moment of the database, for as long as the `with` block of `snapshot` lasts."""

    def __init__(self, connection: psycopg.Connection, reader: adbc.AdbcConnection) -> None:
        self.connection = connection
        self._reader = reader

    def build_of(self, day: date) -> DayBuild | None:
        """The build that the day's marts are from; None if it is not built, or is being built."""
        row = self.connection.execute(BUILD, {"day": day}).fetchone()
        return DayBuild(*row) if row else None

    def batches(self, query: sql.Composed, schema: pa.Schema) -> Generator[pa.RecordBatch]:
        """The rows of a query, some megabytes at a time, in the types of `schema`.

        It has to be closed before the snapshot ends.
        """
        with _translated(), adbc.AdbcStatement(self._reader) as statement:
            statement.set_sql_query(query.as_string(self.connection))
            stream, _ = statement.execute_query()
            with (
                pa.RecordBatchReader.from_stream(stream) as reader,
                closing(prefetched(_read(reader))) as coming,
            ):
                for batch in coming:
                    yield batch.cast(schema)


@contextmanager
def snapshot(connection: psycopg.Connection) -> Iterator[Snapshot]:
    """What both connections see is the same: `connection`, in autocommit mode, and ADBC's own.

    Raises psycopg.OperationalError when the database goes away.
    """
    with one_moment(connection):
        (name,) = connection.execute("select pg_export_snapshot()").fetchone() or ("",)
        with _reader(str(name)) as reader:
            yield Snapshot(connection, reader)


@contextmanager
def _reader(snapshot_name: str) -> Iterator[adbc.AdbcConnection]:
    with (
        _translated(),
        adbc.AdbcDatabase(
            driver=adbc_driver_postgresql._driver_path(), uri=database_url()
        ) as database,
        adbc.AdbcConnection(database) as connection,
    ):
        for statement in SESSION:
            _execute(connection, statement)
        connection.set_autocommit(False)
        _execute(connection, "set transaction isolation level repeatable read, read only")
        name = sql.Literal(snapshot_name).as_string(None)
        _execute(connection, f"set transaction snapshot {name}")
        yield connection


def _execute(connection: adbc.AdbcConnection, query: str) -> None:
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(query)
        statement.execute_update()


@contextmanager
def _translated() -> Iterator[None]:
    """What ADBC raises as psycopg's, so that whoever retries has one kind of errors to know."""
    try:
        yield
    except adbc.Error as error:
        state = error.sqlstate or ""
        # Without a state it was not the server that spoke: the connection is gone.
        passes = not state.strip("\0") or state[:2] in ("08", "40", "53", "57", "58")
        kind = psycopg.OperationalError if passes else psycopg.DatabaseError
        raise kind(" ".join(str(error).split())) from error


def _read(reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch]:
    """The batches of a stream. Raises psycopg.OperationalError if it ends in the middle."""
    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split())
        raise psycopg.OperationalError(said) from error


def day_query(
    table: Table, columns: list[SourceColumn], day: date, *, redacted: bool
) -> sql.Composed:
    """All rows of a UTC day. `redacted` leaves out props that the tracking plan calls personal."""
    return sql.SQL(DAY).format(
        columns=sql.SQL(", ").join(selected(column, redacted=redacted) for column in columns),
        source=sql.Identifier(table.schema, table.relation),
        is_of_day=of_day(table, day),
        order=_order(table, columns, day),
    )


def of_day(table: Table, day: date) -> sql.Composed:
    """A condition on rows of the day. The bounds are constants: only its partition is read."""
    column = sql.Identifier(table.day_column)
    if not table.has_times:
        return sql.SQL("{} = {}").format(column, sql.Literal(day))
    window = DayWindow(day, day)
    return sql.SQL("{column} >= {start} and {column} < {end}").format(
        column=column, start=sql.Literal(window.start), end=sql.Literal(window.end)
    )


def selected(column: SourceColumn, *, redacted: bool) -> sql.Composed:
    """A column of the row `day` as the files have it; `redacted` as in `day_query`."""
    name = sql.Identifier(column.name)
    value: sql.Composable = sql.SQL("day.{}").format(name)
    if redacted and column.name == "props_json":
        value = _impersonal(value)
    if column.kind.cast:
        value = sql.SQL("({})::{}").format(value, sql.SQL(column.kind.cast))
    return sql.SQL("{} as {}").format(value, name)


def _impersonal(props: sql.Composable) -> sql.Composable:
    """Props of the row `day` without those that the tracking plan calls personal."""
    cases = [
        sql.SQL("when {} then {} - {}::text[]").format(
            sql.Literal(event_type), props, sql.Literal(names)
        )
        for event_type, names in tracking_plan().personal_props.items()
    ]
    if not cases:
        return props
    return sql.SQL("case day.event_type {} else {} end").format(sql.SQL(" ").join(cases), props)


def _order(table: Table, columns: list[SourceColumn], day: date) -> sql.Composable:
    """The order of `sorted_by`: of text that of its bytes, as Parquet's statistics have it.

    Of tables with times the first two, a text and the time, are compared as one number: comparing
    texts that are mostly equal is half of the work of sorting a large day.
    """
    kinds = {column.name: column.kind for column in columns}
    keys: list[sql.Composable] = []
    for name in table.sorted_by:
        key: sql.Composable = sql.SQL("day.{}").format(sql.Identifier(name))
        if kinds[name].arrow == pa.string() and kinds[name].cast is None:
            key = sql.SQL('{} collate "C"').format(key)
        keys.append(key)
    if table.has_times and not table.is_view:
        number = sql.SQL(TEXT_AND_TIME).format(
            text=keys[0],
            time=keys[1],
            source=sql.Identifier(table.schema, table.relation),
            is_of_day=of_day(table, day),
            start=sql.Literal(DayWindow(day, day).start),
        )
        keys[:2] = [number]
    return sql.SQL(", ").join(keys)
