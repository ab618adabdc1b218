"""A file read back is `raw.events`, in every format."""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

from dashboards_api.exports.columns import COLUMNS, TIMES
from dashboards_api.exports.files import ROW_GROUP_ROWS
from tests.dashboards_api.exports.conftest import made
from tests.dashboards_api.exports.events import FIRST, LAST, events, insert, raw

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def stored(connection: psycopg.Connection, folder: Path) -> list[dict[str, Any]]:
    insert(connection, *events(600))
    return raw(connection)


def test_json_lines_are_the_rows(
    connection: psycopg.Connection, stored: list[dict[str, Any]]
) -> None:
    lines = made(connection, "jsonl", FIRST, LAST).decode().splitlines(keepends=True)
    # str.splitlines also splits at what is no line break in JSON.
    rows = [json.loads(line) for line in "".join(lines).split("\n")[:-1]]
    assert [tuple(row) for row in rows] == [tuple(COLUMNS)] * len(stored)
    for row, expected in zip(rows, stored, strict=True):
        for name in TIMES:
            row[name] = datetime.fromisoformat(row[name]) if row[name] else None
        assert row == expected | {"event_id": str(expected["event_id"])}


def test_csv_is_the_rows_but_for_formulas(
    connection: psycopg.Connection, stored: list[dict[str, Any]]
) -> None:
    text = made(connection, "csv", FIRST, LAST).decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == tuple(COLUMNS)
    for row, expected in zip(rows, stored, strict=True):
        for name, cell in zip(header, row, strict=True):
            value = expected[name]
            if name in TIMES:
                assert (datetime.fromisoformat(cell) if cell else None) == value
            elif name == "props_json":
                assert json.loads(cell) == value
            else:
                text = "" if value is None else str(value)
                assert cell in (text, f"'{text}"), name


OTHER_TYPES = {"trust": pl.Int16}


def test_parquet_is_typed_and_the_rows(
    connection: psycopg.Connection, stored: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "file.parquet"
    file.write_bytes(made(connection, "parquet", FIRST, LAST))
    frame = pl.read_parquet(file)
    assert tuple(frame.columns) == tuple(COLUMNS)
    for name in COLUMNS:
        expected = pl.Datetime("us", "UTC") if name in TIMES else OTHER_TYPES.get(name, pl.String)
        assert frame.schema[name] == expected, name
    for row, expected in zip(frame.to_dicts(), stored, strict=True):
        row["props_json"] = json.loads(row["props_json"])
        assert row == expected | {"event_id": str(expected["event_id"])}
    with duckdb.connect() as engine:
        metadata = engine.execute(
            "select distinct compression from parquet_metadata(?)", [str(file)]
        ).fetchall()
        first = engine.execute(
            "select min(occurred_at)::timestamp from read_parquet(?)", [str(file)]
        ).fetchall()
    assert metadata == [("ZSTD",)]
    assert first[0][0].replace(tzinfo=UTC) == stored[0]["occurred_at"]


def test_row_groups_of_parquet_are_bounded(
    connection: psycopg.Connection, folder: Path, tmp_path: Path
) -> None:
    connection.execute("select raw.ensure_partition('2026-03-01')")
    connection.execute(
        "insert into raw.events (event_id, occurred_at, event_type, visitor_id)"
        " select gen_random_uuid(), '2026-03-01T12:00Z', 'page_viewed', 'v'"
        " from generate_series(1, %s)",
        (ROW_GROUP_ROWS + 5000,),
    )
    file = tmp_path / "file.parquet"
    file.write_bytes(made(connection, "parquet", FIRST, FIRST))
    with duckdb.connect() as engine:
        groups = engine.execute(
            "select distinct row_group_id, row_group_num_rows from parquet_metadata(?) order by 1",
            [str(file)],
        ).fetchall()
    assert groups == [(0, ROW_GROUP_ROWS), (1, 5000)]


@pytest.mark.parametrize("day", [date(2026, 3, 3), date(1999, 1, 1)])
def test_an_export_without_events_is_a_valid_file(
    connection: psycopg.Connection, folder: Path, tmp_path: Path, day: date
) -> None:
    insert(connection, *events(20))
    assert made(connection, "jsonl", day, day) == b""
    assert made(connection, "csv", day, day).decode() == ",".join(COLUMNS) + "\n"
    file = tmp_path / "file.parquet"
    file.write_bytes(made(connection, "parquet", day, day))
    frame = pl.read_parquet(file)
    assert frame.height == 0
    assert frame.schema["occurred_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["props_json"] == pl.String


def test_filters_leave_what_matches_all_of_them(
    connection: psycopg.Connection, stored: list[dict[str, Any]]
) -> None:
    wanted = [
        str(row["event_id"])
        for row in stored
        if row["event_type"] in ("asset_viewed", "page_viewed")
        and row["ip_asset_id"] in ("=1+1", "%s", "back\\slash")
    ]
    lines = made(
        connection, "jsonl", FIRST, LAST,
        event_type=["asset_viewed", "page_viewed"],
        ip_asset_id=["=1+1", "%s", "back\\slash", "' or true --"],
    )  # fmt: skip
    found = [json.loads(line)["event_id"] for line in lines.decode().split("\n")[:-1]]
    assert wanted
    assert found == wanted
