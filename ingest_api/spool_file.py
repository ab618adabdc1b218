"""The spool's SQLite file: events that could not be stored yet, in order, safe against a crash.

Synchronous, one instance for each thread. Several processes share the file: SQLite locks it, WAL
lets a reader look while another writes, and `synchronous=full` makes each commit wait for the disk.
The size limit is SQLite's own (`max_page_count`), so a full spool and a full disk fail in one way.

Removing events from the file needs a little space too. So a reserve file lies beside it. When the
disk is full the reserve is deleted, and nothing is added while it is missing. The process that has
emptied the spool makes the reserve again.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# How long a writer waits for the writers of other processes; each takes milliseconds.
BUSY_SECONDS = 5.0
PAGE_BYTES = 4096
# What SQLite's log may hold (1,000 pages and one large batch), twice: it has to get into the file.
RESERVE_BYTES = 8 * 2**20

SCHEMA = """
create table if not exists batches (
    position integer primary key autoincrement,
    events integer not null,
    created_at real not null,
    body blob not null
);
create table if not exists totals (
    one integer primary key check (one = 1), events integer not null, batches integer not null
);
insert or ignore into totals values (1, 0, 0);
create table if not exists salts (
    day text primary key, salt blob not null, created_at real not null
);
"""


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What waits. `oldest_at` is Unix time, None when nothing waits."""

    events: int = 0
    batches: int = 0
    bytes: int = 0
    oldest_at: float | None = None

    @property
    def age_seconds(self) -> float:
        """How long what came first has been waiting; 0 when nothing waits."""
        return max(time.time() - self.oldest_at, 0) if self.oldest_at is not None else 0.0


class SpoolFile:
    """One connection to the file. Every method may raise sqlite3.Error."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.reserve = path.with_name("reserve")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._set_up(max_bytes)

    def _set_up(self, max_bytes: int) -> None:
        execute = self._connection.execute
        execute(f"pragma page_size = {PAGE_BYTES}")
        execute("pragma journal_mode = wal")
        execute("pragma synchronous = full")
        execute(f"pragma max_page_count = {max(max_bytes // PAGE_BYTES, 16)}")
        if execute("select 1 from sqlite_master where name = 'salts'").fetchone():
            return
        with self._transaction():
            for statement in SCHEMA.split(";\n"):
                execute(statement)
        self.path.chmod(0o600)
        self._lay_reserve()
        _sync_folder(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def append(self, body: bytes, events: int) -> None:
        """Returns when `body` is on the disk."""
        if not self.reserve.exists():
            raise sqlite3.OperationalError("the disk is full, or was until what waits is taken out")
        with self._transaction():
            self._connection.execute(
                "insert into batches (events, created_at, body) values (?, ?, ?)",
                (events, time.time(), body),
            )
            self._connection.execute(
                "update totals set events = events + ?, batches = batches + 1", (events,)
            )

    def has_after(self, position: int) -> bool:
        """Whether anything waits beyond `position`."""
        query = "select 1 from batches where position > ? limit 1"
        return self._connection.execute(query, (position,)).fetchone() is not None

    def first_after(self, position: int, events: int) -> list[tuple[int, bytes]]:
        """Position and body of what came first: up to `events` events, and at least one batch."""
        found: list[tuple[int, bytes]] = []
        query = "select position, events, body from batches where position > ? order by position"
        cursor = self._connection.execute(query, (position,))
        total = 0
        for at, count, body in cursor:
            total += count
            if found and total > events:
                break
            found.append((at, body))
        cursor.close()
        return found

    def remove(self, through: int) -> None:
        """Forget every batch up to and with position `through`, at the cost of the reserve."""
        try:
            self._remove(through)
        except sqlite3.OperationalError:
            if not self.reserve.exists():
                raise
            self.reserve.unlink()
            self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
            self._remove(through)

    def _remove(self, through: int) -> None:
        with self._transaction():
            gone = self._connection.execute(
                "select count(*), coalesce(sum(events), 0) from batches where position <= ?",
                (through,),
            ).fetchone()
            self._connection.execute("delete from batches where position <= ?", (through,))
            self._connection.execute(
                "update totals set batches = batches - ?, events = events - ?", gone
            )

    def _lay_reserve(self) -> None:
        """Make the reserve if it is missing. Raises OSError if the disk is too full for it."""
        if self.reserve.exists():
            return
        begun = self.reserve.with_name("reserve.begun")
        try:
            with begun.open("wb") as file:
                file.write(bytes(RESERVE_BYTES))
                file.flush()
                os.fsync(file.fileno())
            begun.replace(self.reserve)
        finally:
            begun.unlink(missing_ok=True)

    def shrink(self) -> None:
        """Give the space of what was removed back to the disk, all but the reserve."""
        if self._pragma("freelist_count"):
            # Copies what is left, which is nothing. An incremental vacuum takes 0.2 ms a page.
            self._connection.execute("vacuum")
        self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        with self._alone():
            self._lay_reserve()

    def state(self) -> SpoolState:
        events, batches = self._connection.execute("select events, batches from totals").fetchone()
        (oldest,) = self._connection.execute(
            "select min(created_at) from (select created_at from batches order by position limit 1)"
        ).fetchone()
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return SpoolState(events, batches, pages * PAGE_BYTES, oldest)

    def salt(self, day: str, candidate: bytes | None) -> bytes | None:
        """The salt kept for `day`; if there is none, `candidate` becomes it unless it is None."""
        query = "select salt from salts where day = ?"
        found = self._connection.execute(query, (day,)).fetchone()
        if found is None and candidate is not None:
            self._connection.execute(
                "insert or ignore into salts values (?, ?, ?)", (day, candidate, time.time())
            )
            found = self._connection.execute(query, (day,)).fetchone()
        return bytes(found[0]) if found else None

    def salts(self) -> list[tuple[str, bytes, float]]:
        """Day, salt and Unix time at which it was made."""
        return self._connection.execute("select day, salt, created_at from salts").fetchall()

    def destroy_salts(self, made_before: float) -> None:
        """Overwrite the salts that were made at this Unix time or before."""
        if not any(created_at <= made_before for _, _, created_at in self.salts()):
            return
        self._connection.execute("pragma secure_delete = on")
        try:
            self._connection.execute("delete from salts where created_at <= ?", (made_before,))
            self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        finally:
            self._connection.execute("pragma secure_delete = off")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Inside the block no other process sets the folder up."""
        with (self.path.parent / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            # SQLite may have rolled back by itself, as it does when the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"pragma {name}").fetchone()
        return int(value)


def _sync_folder(folder: Path) -> None:
    """The file's name must survive a power cut too."""
    for path in (folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
