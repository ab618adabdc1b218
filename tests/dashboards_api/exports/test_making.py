"""An export is made once, whoever dies in the middle, and nothing but its file is left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from dashboards_api.exports import making, queue, worker
from dashboards_api.exports.files import scratch_root
from dashboards_api.exports.sweeping import sweep
from eventmill.core.database import connect
from eventmill.core.settings import child_environment
from eventmill.warehouse.folder import Folder
from tests.dashboards_api.exports.conftest import ask, make_all, row_of, storage
from tests.dashboards_api.exports.events import FIRST, LAST, events, insert
from tests.support import rows, scalar

ABANDON = "update ops.exports set heartbeat_at = now() - interval '1 hour' where state = 'running'"
# Makes an export in a process of its own, which stops for good in the middle of the fourth day.
HANGS = """
import threading
from dashboards_api.exports import making, parts, worker

begun = 0
make_part, compressed = parts.make_part, parts.compressed

def counted(*arguments):
    global begun
    begun += 1
    return make_part(*arguments)

def hanging(chunks):
    for chunk in compressed(chunks):
        yield chunk
        if begun == 4:
            print("hangs", flush=True)
            threading.Event().wait()

making.make_part, parts.compressed = counted, hanging
worker.run_one(threading.Event())
"""


@pytest.fixture
def stored(connection: psycopg.Connection, folder: Path) -> None:
    insert(connection, *events(400))


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def scratch_folders() -> list[Path]:
    return list(scratch_root().iterdir()) if scratch_root().is_dir() else []


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_killed_export_goes_on_and_ends_as_if_nothing_had_been(
    connection: psycopg.Connection, folder: Path, format_: str
) -> None:
    export_id = ask(connection, format_, FIRST, LAST)
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS], env=child_environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "hangs\n"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = rows(connection, "select day, row_count from ops.export_parts order by day")
    assert [count for _, count in finished] == [134, 133, 0]
    assert any(name.endswith(".unfinished") for name in files_in(folder))

    make_all()  # it still counts as alive
    assert row_of(connection, export_id)["state"] == "running"
    # A day that is finished is not read again: an event that came since is not in it.
    late = next(events(1, seed=9)) | {"visitor_id": "late"}
    connection.execute(ABANDON)
    insert(connection, late)
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["attempt"], row["row_count"]) == ("done", 2, 400)

    connection.execute("delete from raw.events where visitor_id = 'late'")
    whole = row_of(connection, ask(connection, format_, FIRST, LAST))["export_id"]
    make_all()
    once = row_of(connection, whole)
    assert b"".join(storage().read(row["file_key"])) == b"".join(storage().read(once["file_key"]))
    assert files_in(folder) == sorted([row["file_key"], once["file_key"]])
    assert scalar(connection, "select count(*) from ops.export_parts") == 0
    assert scratch_folders() == []


@pytest.mark.usefixtures("stored")
def test_several_workers_make_each_export_once(
    connection: psycopg.Connection, folder: Path
) -> None:
    for _ in range(6):
        ask(connection, "jsonl", FIRST, LAST)
    threads = [threading.Thread(target=make_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = rows(connection, "select state, attempt, row_count from ops.exports")
    assert found == [("done", 1, 400)] * 6
    assert len(files_in(folder)) == 6


@pytest.mark.usefixtures("stored")
def test_who_was_taken_for_dead_cannot_write_any_more(
    connection: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, "csv", FIRST, LAST)
    others: list[queue.Job | None] = []
    real = making.make_part

    def overtaken(*arguments: Any) -> queue.Part:
        part = real(*arguments)
        if not others:
            connection.execute(ABANDON)
            with connect(autocommit=True) as other:
                others.append(queue.claim(other))
        return part

    monkeypatch.setattr(making, "make_part", overtaken)
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["attempt"]) == ("running", 2)
    assert files_in(folder) == []
    connection.execute(ABANDON)
    make_all()
    assert row_of(connection, export_id)["state"] == "done"


class FullFolder(Folder):
    """A disk on which there is no place for the file of the second day."""

    def write(self, key: str, chunks: Any, **options: Any) -> int:
        def until_full() -> Iterator[bytes]:
            yield from chunks
            if "2026-03-02" in key:
                raise OSError(28, "No space left on device")

        return super().write(key, until_full(), **options)


@pytest.mark.usefixtures("stored")
def test_a_full_disk_is_said_tried_again_and_leaves_nothing_half(
    connection: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, "csv", FIRST, LAST)
    monkeypatch.setattr(making, "open_root", lambda url, of: FullFolder(Path(url)))
    make_all()
    row = row_of(connection, export_id)
    assert row["state"] == "queued"
    assert "No space left on device" in row["error"]
    assert row["not_before"] > row["requested_at"]
    assert [name.split("/")[1] for name in files_in(folder)] == ["2026-03-01.1.gz"]

    for _ in range(queue.MAX_TRIES - 1):
        connection.execute("update ops.exports set not_before = now()")
        make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["file_key"], row["pseudonym_key"]) == ("failed", None, None)
    assert "No space left on device" in row["error"]
    assert files_in(folder) == []
    assert scalar(connection, "select count(*) from ops.export_parts") == 0


@pytest.mark.usefixtures("stored")
def test_a_defect_fails_at_once_and_tells_the_log(
    connection: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    export_id = ask(connection, "parquet", FIRST, LAST)

    def defect(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(making, "write_file", defect)
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["error"]) == ("failed", worker.INTERNAL)
    assert "secret inside" in caplog.text
    assert files_in(folder) == []


@pytest.mark.usefixtures("stored")
def test_a_process_that_stops_leaves_its_export_to_others_at_once(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = ask(connection, "csv", FIRST, LAST)
    stopping = threading.Event()
    real = making.make_part

    def stopped(*arguments: Any) -> queue.Part:
        stopping.set()
        return real(*arguments)

    monkeypatch.setattr(making, "make_part", stopped)
    assert worker.run_one(stopping)
    assert row_of(connection, export_id)["state"] == "queued"
    monkeypatch.undo()
    make_all()
    assert row_of(connection, export_id)["state"] == "done"


@pytest.mark.usefixtures("stored")
def test_what_never_ends_is_given_up(connection: psycopg.Connection) -> None:
    export_id = ask(connection, "csv", FIRST, LAST)
    connection.execute(
        "update ops.exports set state = 'running', attempt = %s", (queue.MAX_ATTEMPTS,)
    )
    connection.execute(ABANDON)
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["error"]) == ("failed", queue.GIVEN_UP)


@pytest.mark.usefixtures("stored")
def test_a_day_whose_file_is_gone_is_made_again(
    connection: psycopg.Connection, folder: Path
) -> None:
    export_id = ask(connection, "csv", FIRST, LAST)
    connection.execute("update ops.exports set state = 'running', attempt = 1")
    connection.execute(ABANDON)
    connection.execute(
        "insert into ops.export_parts values (%s, %s, 9, 'gone/away.gz')", (export_id, FIRST)
    )
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["row_count"]) == ("done", 400)


@pytest.mark.usefixtures("stored")
def test_a_sweep_removes_what_is_over_and_only_that(
    connection: psycopg.Connection, folder: Path
) -> None:
    kept, old = (ask(connection, "csv", FIRST, LAST) for _ in range(2))
    make_all()
    running = ask(connection, "csv", FIRST, LAST)
    failed = ask(connection, "csv", FIRST, LAST)
    connection.execute("update ops.exports set expires_at = now() where export_id = %s", (old,))
    connection.execute(
        "update ops.exports set state = case when export_id = %s then 'running' else 'failed' end"
        " where state = 'queued'",
        (running,),
    )
    store = storage()
    for owner in (kept, running, failed, UUID(int=1)):
        store.write(f"{owner}/2026-03-01.1.gz", [b"half"])
    scratch = [scratch_root() / f"{owner}.{n}.abc" for owner, n in ((running, 0), (failed, 1))]
    for place in scratch:
        place.mkdir(parents=True)
    sweep()
    assert row_of(connection, old)["state"] == "expired"
    assert files_in(folder) == sorted(
        [
            row_of(connection, kept)["file_key"],
            f"{running}/2026-03-01.1.gz",
            # Not one of this database's exports, so not ours to remove.
            f"{UUID(int=1)}/2026-03-01.1.gz",
        ]
    )
    assert [place.is_dir() for place in scratch] == [True, False]
    scratch[0].rmdir()


def test_the_worker_waits_for_a_database_that_is_away(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    calls = 0

    def away() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            asked.set()
        raise psycopg.OperationalError("the server is gone")

    monkeypatch.setattr(worker, "sweep", away)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0)
    started = worker.Worker()
    started.start()
    assert asked.wait(30)
    started.stop()
    assert caplog.text.count("exports wait for the database") == 1
