"""Days in a real warehouse are those of the files, to the value, whatever was there before."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventmill.core.days import DayWindow
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.warehouse import Root, files, open_root, table_named, tables
from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.loading import load
from eventmill.warehouse.loading.errors import LoadFailed
from tests.warehouse.conftest import BUILT, FIRST
from tests.warehouse.loading.conftest import (
    KEY,
    Warehouse,
    comparable,
    rewrite,
    rows_of_files,
    warehouse_of,
)

NAMES = [table.name for table in tables()]
EVENTS = table_named("events")


def test_all_tables_arrive_to_the_value(
    built: psycopg.Connection, exported: Root, warehouse: Warehouse
) -> None:
    outcome = load(built, exported, None)
    assert (len(outcome.days), outcome.unchanged) == (3, 0)
    for name in NAMES:
        expected = rows_of_files(exported, name)
        assert expected
        assert comparable(warehouse.rows(name)) == comparable(expected), name
    assert outcome.rows == sum(len(rows_of_files(exported, name)) for name in NAMES)
    assert {row["date"] for row in warehouse.rows("events")} == {FIRST, FIRST + timedelta(1)}


def test_only_what_changed_is_loaded_again(
    built: psycopg.Connection, exported: Root, warehouse: Warehouse
) -> None:
    load(built, exported, None)
    assert load(built, exported, None).as_json()["days"] == 0
    without_one_event(exported, FIRST)
    outcome = load(built, exported, None)
    [day] = outcome.days
    assert (day.day, [*day.rows], outcome.unchanged) == (FIRST, ["events"], 2)
    assert comparable(warehouse.rows("events")) == comparable(rows_of_files(exported, "events"))


def test_a_range_loads_no_other_days(
    built: psycopg.Connection, exported: Root, warehouse: Warehouse
) -> None:
    load(built, exported, DayWindow(FIRST, FIRST))
    assert {row["date"] for row in warehouse.rows("events")} == {FIRST}
    outcome = load(built, exported, None)
    assert [day.day for day in outcome.days] == [day for day in BUILT if day != FIRST]
    assert comparable(warehouse.rows("events")) == comparable(rows_of_files(exported, "events"))


def test_a_day_of_which_nothing_is_left_loses_its_rows(
    built: psycopg.Connection, exported: Root, warehouse: Warehouse
) -> None:
    load(built, exported, None)
    rewrite(exported, FIRST, keep=lambda rows: rows.slice(0, 0))
    load(built, exported, None)
    assert {row["date"] for row in warehouse.rows("events")} == {FIRST + timedelta(1)}
    assert {row["date"] for row in warehouse.rows("attribution")} >= {FIRST}


def test_a_new_column_is_added(
    built: psycopg.Connection, exported: Root, database_warehouse: Warehouse
) -> None:
    load(built, exported, None)
    rewrite(exported, FIRST, keep=lambda rows: rows.append_column("added", rows["event_type"]))
    load(built, exported, None)
    rows = database_warehouse.rows("events")
    assert all((row["added"] is not None) == (row["date"] == FIRST) for row in rows)


def test_a_column_of_another_type_is_refused_and_the_day_stays(
    built: psycopg.Connection, exported: Root, database_warehouse: Warehouse
) -> None:
    load(built, exported, None)
    former = comparable(database_warehouse.rows("events"))
    rewrite(exported, FIRST, keep=lambda rows: with_numbers(rows, "utm_term"))
    with pytest.raises(LoadFailed, match=r"2024-03-01 cannot be loaded.*utm_term"):
        load(built, exported, None)
    assert comparable(database_warehouse.rows("events")) == former


def test_nulls_empty_texts_and_quotes_stay_apart(
    built: psycopg.Connection, exported: Root, database_warehouse: Warehouse
) -> None:
    odd = ["", None, 'a "b", \\N', "line\nbreak\ttab", "ü€😀", "\\", "{x}", "%s"]
    rewrite(exported, FIRST, keep=lambda rows: with_texts(rows, odd))
    load(built, exported, DayWindow(FIRST, FIRST))
    found = [row["utm_term"] for row in database_warehouse.rows("events")]
    assert sorted(map(repr, found)) == sorted(map(repr, odd))


def test_days_in_a_bucket_are_loaded_like_those_in_a_folder(
    built: psycopg.Connection, exported: Root, bucket: Any, server: EmbeddedPostgres, tmp_path: Path
) -> None:
    root = open_root()
    assert not root.is_local
    for day in BUILT:
        export_day(built, root, day, tables(), KEY)
    with warehouse_of("duckdb", server, tmp_path) as warehouse:
        assert len(load(built, root, None).days) == len(BUILT)
        for name in NAMES:
            expected = comparable(rows_of_files(exported, name))
            assert comparable(warehouse.rows(name)) == expected, name
        assert load(built, root, None).unchanged == len(BUILT)


def test_files_that_do_not_hold_their_manifests_rows_are_not_loaded(
    built: psycopg.Connection, exported: Root, database_warehouse: Warehouse
) -> None:
    [path] = files(exported, EVENTS, FIRST)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.slice(1), path)
    with pytest.raises(StorageError, match=r"events of 2024-03-01 has 7 rows, and .* says 8"):
        load(built, exported, None)
    assert database_warehouse.rows("events") == []


def without_one_event(root: Root, day: date) -> None:
    rewrite(root, day, keep=lambda rows: rows.slice(1))


def with_numbers(rows: pa.Table, name: str) -> pa.Table:
    column = pa.array(range(rows.num_rows), pa.int64())
    return rows.set_column(rows.schema.get_field_index(name), name, column)


def with_texts(rows: pa.Table, texts: list[str | None]) -> pa.Table:
    position = rows.schema.get_field_index("utm_term")
    column = pa.array(texts, pa.string())
    return rows.slice(0, len(texts)).set_column(position, "utm_term", column)
