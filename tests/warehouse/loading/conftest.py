"""Warehouses to load into: a file of DuckDB, a second database of the server, a folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from eventmill.core.database import connect
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.warehouse import Root, files, manifest, open_root, table_named, tables
from eventmill.warehouse import days as exported_days
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.loading.rows import as_loaded
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.writing import publish_day
from tests.databases import url_of
from tests.support import environment
from tests.warehouse.conftest import BUILT

KEY = Pseudonyms(b"k" * 32)
Row = dict[str, Any]


@dataclass
class Warehouse:
    """A destination that the settings point at."""

    name: str
    place: str

    def rows(self, table: str, columns: str = "*") -> list[Row]:
        """All rows of a table, none if there is no such table."""
        if self.name == "filesystem":
            return self._files(table)
        with self._opened() as execute:
            try:
                return execute(f"select {columns} from eventmill.{table}")
            except (duckdb.CatalogException, psycopg.errors.UndefinedTable):
                return []

    def ask(self, query: str) -> list[Row]:
        with self._opened() as execute:
            return execute(query)

    def _files(self, table: str) -> list[Row]:
        copy = open_root(f"{self.place}/eventmill")
        found = []
        for day in exported_days(copy, table_named(table)):
            for file in files(copy, table_named(table), day):
                found += as_loaded(pq.read_table(file, partitioning=None), day).to_pylist()
        return found

    @contextmanager
    def _opened(self) -> Iterator[Callable[[str], list[Row]]]:
        if self.name == "duckdb":
            with duckdb.connect(self.place) as engine:
                engine.execute("set timezone = 'UTC'")
                yield lambda query: engine.sql(query).to_arrow_table().to_pylist()
        else:
            rows = psycopg.rows.dict_row
            with psycopg.connect(self.place, autocommit=True, row_factory=rows) as server:
                server.execute("set timezone = 'UTC'")
                yield lambda query: server.execute(query.encode()).fetchall()


@contextmanager
def warehouse_of(name: str, server: EmbeddedPostgres, folder: Path) -> Iterator[Warehouse]:
    place = str(folder / {"duckdb": "loaded.duckdb", "filesystem": "copy"}.get(name, ""))
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        drop = sql.SQL("drop database if exists the_warehouse with (force)")
        if name == "postgres":
            connection.execute(drop)
            connection.execute("create database the_warehouse")
            place = (
                f"postgresql://eventmill:none@localhost:5432/the_warehouse?host={server.socket_dir}"
            )
        with environment(
            EVENTMILL_WAREHOUSE_DESTINATION=name, EVENTMILL_WAREHOUSE_CREDENTIALS=place
        ):
            yield Warehouse(name, place)
        connection.execute(drop)


@pytest.fixture(params=["duckdb", "postgres", "filesystem"])
def warehouse(
    request: pytest.FixtureRequest, server: EmbeddedPostgres, tmp_path: Path
) -> Iterator[Warehouse]:
    with warehouse_of(request.param, server, tmp_path) as found:
        yield found


@pytest.fixture(params=["duckdb", "postgres"])
def database_warehouse(
    request: pytest.FixtureRequest, server: EmbeddedPostgres, tmp_path: Path
) -> Iterator[Warehouse]:
    with warehouse_of(request.param, server, tmp_path) as found:
        yield found


@pytest.fixture
def exported(built: psycopg.Connection, root: Root) -> Root:
    """The files of all built days."""
    for day in BUILT:
        export_day(built, root, day, tables(), KEY)
    return root


def rows_of_files(root: Root, table: str, days: list[date] | None = None) -> list[Row]:
    """What the warehouse should hold of a table."""
    named = table_named(table)
    found: list[Row] = []
    for day in days if days is not None else exported_days(root, named):
        for file in files(root, named, day):
            found += as_loaded(pq.read_table(file, partitioning=None), day).to_pylist()
    return found


def comparable(rows: list[Row]) -> list[str]:
    """Rows in forms that do not depend on who read them, in any order."""
    return sorted(repr([(name, _plain(row[name])) for name in sorted(row)]) for row in rows)


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def rewrite(root: Root, day: date, keep: Callable[[pa.Table], pa.Table]) -> Manifest:
    """Publish other rows of the events of a day, as an erasure or another export does."""
    former = manifest(root, table_named("events"), day)
    [path] = files(root, table_named("events"), day)
    rows = keep(pq.read_table(path, partitioning=None))
    build = former.build + "x"
    columns = {column.name: column for column in former.schema}
    schema = tuple(
        columns.get(name) or replace(former.schema[1], name=name, type="string")
        for name in rows.column_names
    )
    return publish_day(
        root,
        replace(former, build=build, schema=schema),
        rows.schema,
        (batch for batch in rows.to_batches()),
    )
