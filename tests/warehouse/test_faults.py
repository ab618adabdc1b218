"""A full disk, and a database that goes away while it is read: what is said, and what is left."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from bench.generate import generate_day
from eventmill.core.settings import child_environment
from eventmill.warehouse import days, manifest, open_root, table_named
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for
from tests.warehouse.conftest import BUILT, FIRST

EVENTS = table_named("events")
LARGE = BUILT.last + timedelta(days=1)
ROWS = 200_000


@pytest.fixture(scope="module")
def large(built: psycopg.Connection) -> psycopg.Connection:
    """A day that takes many batches, with a receipt as if it were built."""
    generate_day(built, LARGE, ROWS, seed=1)
    built.execute("create temporary table receipt as select * from marts.build_receipts limit 1")
    built.execute("update receipt set date = %s, build_id = null", (LARGE,))
    built.execute("insert into marts.build_receipts select * from receipt")
    return built


def test_a_full_disk_is_one_line_and_leaves_nothing(
    large: psycopg.Connection, folder: Path
) -> None:
    command = [str(Path(sys.executable).with_name("eventmill")), "warehouse", "export"]
    command += [str(LARGE), str(LARGE)]
    # Files may have 1,000 blocks: less than the day needs, and enough for all else.
    limited = f"ulimit -f 1000; exec {shlex.join(command)}"
    result = subprocess.run(
        ["bash", "-c", limited], env=child_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    [line] = lines
    assert line.startswith(f"eventmill: events of {LARGE} cannot be written: ")
    assert "File too large" in line
    assert [path.name for path in (folder / "events").iterdir()] == ["schema.json"]
    [done] = export_day(large, open_root(), LARGE, [EVENTS], None)
    assert done.rows == ROWS


def test_a_lost_database_leaves_the_former_day(
    large: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventmill.warehouse import source

    root = open_root()
    [before] = export_day(large, root, LARGE, [EVENTS], pseudonyms_for(root.url))
    assert before.rows == ROWS
    read = source._read

    def read_and_lose(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        for batch in read(reader):
            large.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'eventmill export'"
            )
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(source, "_read", read_and_lose)
        with pytest.raises(psycopg.OperationalError):
            export_day(large, root, LARGE, [EVENTS], pseudonyms_for(root.url))
    assert manifest(root, EVENTS, LARGE) == before
    assert sorted(path.name for path in (folder / "events").iterdir()) == [
        f"date={LARGE}",
        "schema.json",
    ]
    export_day(large, root, FIRST, [EVENTS], None)
    assert days(root, EVENTS) == [FIRST, LARGE]
