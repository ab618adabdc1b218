"""A load that is killed in the middle: what readers see, and what the next one makes of it."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from eventmill.core.settings import child_environment
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.warehouse import Root, tables
from eventmill.warehouse.loading import load
from tests.support import run_eventmill, wait_until
from tests.warehouse.conftest import BUILT, FIRST
from tests.warehouse.killed import kill_where_it_stops, started
from tests.warehouse.loading.conftest import (
    Warehouse,
    comparable,
    rewrite,
    rows_of_files,
    warehouse_of,
)

# A process that loads and stops where `stop` is called.
SLOW = """
from eventmill.warehouse.loading.destinations import prepare
prepare()
from dlt.destinations.job_client_impl import SqlJobClientBase
from dlt.destinations.sql_jobs import SqlMergeFollowupJob
from eventmill.core.database import connect
from eventmill.warehouse import open_root
from eventmill.warehouse.loading import folder, load, rows

{stop}
with connect(autocommit=True) as connection:
    load(connection, open_root(), None)
"""
IN_A_DATABASE = {
    "while rows are read": "rows.as_loaded = stop",
    "when the rows are beside the table": "SqlMergeFollowupJob.generate_sql = stop",
    "when the rows are there and not noted": "SqlJobClientBase.complete_load = stop",
}
IN_A_FOLDER = {
    "when files are there": "folder.FolderTarget._copy = stop_after(folder.FolderTarget._copy)",
    "when the manifest is there": "folder.FolderTarget._clear = stop",
}
MOMENTS = [
    *(("duckdb", moment) for moment in IN_A_DATABASE),
    *(("postgres", moment) for moment in IN_A_DATABASE),
    *(("filesystem", moment) for moment in IN_A_FOLDER),
]


def slow_load(moment: str = "") -> str:
    """The program that stops at `moment`, or nowhere."""
    return SLOW.format(stop={**IN_A_DATABASE, **IN_A_FOLDER}.get(moment, ""))


@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_a_killed_load_shows_whole_days_and_the_next_one_finishes_it(
    built: psycopg.Connection, exported: Root, server: EmbeddedPostgres, tmp_path: Path,
    name: str, moment: str,
) -> None:  # fmt: skip
    with warehouse_of(name, server, tmp_path) as warehouse:
        load(built, exported, None)
        former = comparable(rows_of_files(exported, "events"))
        rewrite(exported, FIRST, keep=lambda rows: rows.slice(3))
        after = comparable(rows_of_files(exported, "events"))
        assert former != after
        kill_where_it_stops(slow_load(moment))
        seen = comparable(warehouse.rows("events"))
        assert seen == (after if moment.startswith("when the manifest") else former) or (
            moment == "when the rows are there and not noted" and seen == after
        )
        # A killed load is not taken for a finished one.
        assert [day.day for day in load(built, exported, None).days] == [FIRST]
        same(warehouse, exported)


def test_a_first_load_that_is_killed_goes_on_where_it_was(
    built: psycopg.Connection, exported: Root, warehouse: Warehouse
) -> None:
    command = [str(Path(sys.executable).with_name("eventmill")), "warehouse", "load"]
    process = subprocess.Popen(
        command, env=child_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()
    process.kill()
    process.wait()
    assert first.startswith(f"{FIRST}: ")
    result = run_eventmill("warehouse", "load")
    assert result.returncode == 0, result.stderr
    assert str(FIRST) not in result.stderr
    assert f"{BUILT.last}: " in result.stderr
    same(warehouse, exported)


def test_a_load_that_is_killed_within_its_transaction_leaves_the_former_day(
    built: psycopg.Connection, exported: Root, server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with warehouse_of("postgres", server, tmp_path) as warehouse:
        load(built, exported, None)
        former = comparable(rows_of_files(exported, "events"))
        rewrite(exported, FIRST, keep=lambda rows: rows.slice(3))
        with psycopg.connect(warehouse.place) as blocker:
            # Readers pass, and the delete has to wait in the middle of its transaction.
            blocker.execute("lock table eventmill.events in exclusive mode")
            process = started(slow_load())
            waits = (
                "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
                " and query like '%DELETE FROM%events%'"
            )
            try:
                wait_until(lambda: warehouse.ask(waits), 90)
                assert comparable(warehouse.rows("events")) == former
            finally:
                process.kill()
                process.wait()
        began = time.monotonic()
        wait_until(lambda: not warehouse.ask(waits), 30)
        assert time.monotonic() - began < 30
        assert comparable(warehouse.rows("events")) == former
        assert [day.day for day in load(built, exported, None).days] == [FIRST]
        same(warehouse, exported)


def same(warehouse: Warehouse, exported: Root) -> None:
    """The warehouse is what one clean load of the files makes it."""
    for table in tables():
        expected = rows_of_files(exported, table.name)
        assert comparable(warehouse.rows(table.name)) == comparable(expected), table.name
    if warehouse.name == "filesystem":
        here, there = Path(exported.url), Path(warehouse.place) / "eventmill"
        assert days_in(there) == days_in(here)
    else:
        noted = warehouse.ask("select table_name, date, row_count from eventmill.loaded_days")
        assert len(noted) == len(tables()) * len(BUILT)


def days_in(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.glob("*/date=*/**/*")
        if file.is_file()
    }
