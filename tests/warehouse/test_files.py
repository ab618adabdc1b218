"""What a day's files hold: to the value what the database holds, ids of people aside."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from eventmill.core.errors import NotFound
from eventmill.warehouse import Root, Table, days, files, manifest, table_named, tables
from eventmill.warehouse.exporting import NotBuilt, export_day
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.source import day_query
from eventmill.warehouse.types import columns_of
from tests.orchestration.support import add_event
from tests.support import scalar
from tests.warehouse.conftest import BUILT, FIRST

KEY = Pseudonyms(b"k" * 32)
NAMES = [table.name for table in tables()]


def rows_of(root: Root, table: Table) -> list[dict[str, Any]]:
    found = [pq.read_table(file).to_pylist() for file in files(root, table, FIRST)]
    return [row for rows in found for row in rows]


def expected(connection: psycopg.Connection, table: Table) -> list[dict[str, Any]]:
    """The day's rows as PostgreSQL has them, in forms that the files have."""
    is_day = f"({table.day_column} at time zone 'UTC')::date" if table.has_times else "date"
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        query = f"select * from {table.source} where {is_day} = %s"
        found = cursor.execute(query.encode(), (FIRST,)).fetchall()
    for row in found:
        for name, value in row.items():
            if type(value).__name__ == "UUID":
                row[name] = str(value)
    return found


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    for row in rows:
        for name in ("props_json", "metadata", "touches"):
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
        for name, value in row.items():
            if isinstance(value, datetime):
                row[name] = value.astimezone(UTC)
    return sorted(repr(row.items()) for row in rows)


@pytest.mark.parametrize("table", tables(), ids=NAMES)
def test_a_day_holds_exactly_what_the_database_holds(
    built: psycopg.Connection, root: Root, table: Table
) -> None:
    built.execute("set timezone = 'UTC'")
    export_day(built, root, FIRST, tables(), None)
    ours, theirs = rows_of(root, table), expected(built, table)
    assert theirs
    assert [*ours[0]] == [*theirs[0]]
    keys = [[(row[name] is None, row[name]) for name in table.sorted_by] for row in ours]
    assert keys == sorted(keys)
    assert comparable(ours) == comparable(theirs)


def test_rows_are_in_the_order_that_the_manifest_names(built: psycopg.Connection) -> None:
    day, table = date(2024, 4, 1), table_named("events")
    start = datetime(2024, 4, 1, tzinfo=UTC)
    moments = [timedelta(), timedelta(microseconds=1), timedelta(hours=24, microseconds=-1)]
    with built.transaction(force_rollback=True):
        for moment in [*moments, *moments]:
            for event_type in ("page_viewed", "asset_viewed", "search_performed"):
                add_event(built, day, event_type=event_type, occurred_at=start + moment)
        columns = columns_of(built, table)
        found = built.execute(day_query(table, columns, day, redacted=True)).fetchall()
    names = [column.name for column in columns]
    keys = [tuple(row[names.index(name)] for name in table.sorted_by) for row in found]
    assert len(keys) == 18
    assert keys == sorted(keys)


def test_the_manifest_describes_the_files(built: psycopg.Connection, root: Root) -> None:
    written = export_day(built, root, FIRST, tables(), KEY)
    assert [done.table for done in written] == NAMES
    for table in tables():
        found = manifest(root, table, FIRST)
        [path] = files(root, table, FIRST)
        [file] = found.files
        content = Path(path).read_bytes()
        assert file.name == f"{found.build}-000.parquet"
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.bytes == len(content)
        assert file.rows == found.rows == pq.read_metadata(path).num_rows
        assert [column.name for column in found.schema] == pq.read_schema(path).names
        assert found.schema_version == 1
        receipt = built.execute(
            "select built_at, definition, events from marts.daily_builds where date = %s", (FIRST,)
        ).fetchone()
        assert receipt == (
            found.receipt.built_at, found.receipt.definition, found.receipt.events,
        )  # fmt: skip
    events, metrics = (manifest(root, table, FIRST) for table in (tables()[0], tables()[2]))
    assert events.rows == events.receipt.events == 8
    revenue = "select sum(revenue_cents) from marts.daily_metrics where date = %s"
    assert metrics.totals["revenue_cents"] == str(scalar(built, revenue, FIRST))
    comments = {column.name: column.comment for column in metrics.schema}
    assert comments["engagement_time"] == "Time that visitors were engaged, in milliseconds."


def test_a_day_without_events_has_files_with_its_columns(
    built: psycopg.Connection, root: Root
) -> None:
    export_day(built, root, BUILT.last, tables(), KEY)
    for table in tables():
        [path] = files(root, table, BUILT.last)
        assert (
            "occurred_at" in pq.read_schema(path).names
            or not table.has_times
            or (table.name == "sessions")
        )
        if table.name != "daily_metrics":  # the platform has its row of zeros
            assert pq.read_metadata(path).num_rows == 0


def test_a_day_that_is_not_built_is_not_exported(built: psycopg.Connection, root: Root) -> None:
    later = BUILT.last.replace(day=9)
    with pytest.raises(NotBuilt, match="2024-03-09 is not built"):
        export_day(built, root, later, tables(), KEY)
    assert days(root, tables()[0]) == []
    with pytest.raises(NotFound, match="events of 2024-03-09 is not exported"):
        manifest(root, tables()[0], later)
