"""An export that is killed in the middle: what readers see, and what is left after the next one."""

from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from eventmill.warehouse import manifest, open_root, table_named, tables
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for
from tests.s3 import keys, unfinished
from tests.support import run_eventmill
from tests.warehouse.conftest import FIRST
from tests.warehouse.killed import kill_where_it_stops

EVENTS = table_named("events")

# A process that exports the first day and stops where `stop` is called.
SLOW = """
from datetime import date
from eventmill.core.database import connect
from eventmill.warehouse import open_root, publishing, tables, writing
from eventmill.warehouse.exporting import export_day

{stop}
with connect(autocommit=True) as connection:
    export_day(connection, open_root(), date.fromisoformat("{day}"), tables(), None)
"""
MOMENTS = {
    "while rows are written": "writing.Totals.add = stop",
    "when a file is complete": (
        "publishing.DayInFolder.add = stop_after(publishing.DayInFolder.add);"
        "publishing.DayInBucket.add = stop_after(publishing.DayInBucket.add)"
    ),
    "before anything is published": (
        "publishing.DayInFolder.publish = publishing.DayInBucket.publish = stop"
    ),
    "when one table is published": (
        "publishing.DayInFolder.publish = stop_after(publishing.DayInFolder.publish);"
        "publishing.DayInBucket.publish = stop_after(publishing.DayInBucket.publish)"
    ),
}


def kill_at(moment: str) -> None:
    """Export the first day in a process of its own and kill it, with -9, at `moment`."""
    kill_where_it_stops(SLOW.format(stop=MOMENTS[moment], day=FIRST))


def rows_in(path: str) -> int:
    [(count,)] = duckdb.execute("select count(*) from read_parquet(?)", [path]).fetchall()
    return int(count)


@pytest.mark.parametrize("moment", MOMENTS)
def test_readers_of_a_folder_see_a_whole_day_and_nothing_is_left(
    built: psycopg.Connection, folder: Path, moment: str
) -> None:
    root = open_root()
    first = export_day(built, root, FIRST, tables(), None)[0]
    glob = f"{folder}/events/date=*/*.parquet"
    kill_at(moment)
    assert rows_in(glob) == first.rows == 8
    assert manifest(root, EVENTS, FIRST).rows == 8
    again = {done.table: done for done in export_day(built, root, FIRST, tables(), None)}
    assert rows_in(glob) == 8
    for table in tables():
        [file] = again[table.name].files
        assert {str(path.relative_to(folder / table.name)) for path in
                (folder / table.name).rglob("*") if path.is_file()} == {
            "schema.json", f"date={FIRST}/manifest.json", f"date={FIRST}/{file.name}"
        }  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_first_export_shows_nothing(
    built: psycopg.Connection, folder: Path, moment: str
) -> None:
    kill_at(moment)
    shown = list((folder / "events").glob("date=*/*.parquet"))
    assert len(shown) == (1 if moment == "when one table is published" else 0)
    assert list(folder.glob("attribution/date=*")) == []


def test_readers_of_a_bucket_see_a_whole_day_and_nothing_is_left(
    built: psycopg.Connection, bucket: Any
) -> None:
    s3, prefix = bucket
    root = open_root()
    before = export_day(built, root, FIRST, tables(), pseudonyms_for(root.url))
    for moment in MOMENTS:
        kill_at(moment)
        found = manifest(root, EVENTS, FIRST)
        for file in found.files:
            assert f"{prefix}/events/date={FIRST}/{file.name}" in keys(s3)
        assert found.rows == before[0].rows
    after = export_day(built, root, FIRST, tables(), pseudonyms_for(root.url))
    assert unfinished(s3) == []
    assert keys(s3, f"{prefix}/") == sorted(
        f"{prefix}/{name}"
        for done in after
        for name in (
            f"{done.table}/schema.json",
            f"{done.table}/date={FIRST}/manifest.json",
            *(f"{done.table}/date={FIRST}/{file.name}" for file in done.files),
        )
    )


def test_a_bucket_is_asked_in_sql(built: psycopg.Connection, bucket: Any) -> None:
    root = open_root()
    [events, *_] = export_day(built, root, FIRST, tables(), None)
    with root.open(f"events/date={FIRST}/{events.files[0].name}") as file:
        assert len(file.read()) == events.total_bytes
    day = str(FIRST)
    exported = run_eventmill("warehouse", "export", day, day, "--json")
    assert exported.returncode == 0, exported.stderr
    query = f"select count(*) as n, min(date) as d from events where date = '{day}'"
    answer = run_eventmill("warehouse", "sql", query, "--csv")
    assert answer.stdout == f"n,d\n8,{FIRST}\n", answer.stderr
