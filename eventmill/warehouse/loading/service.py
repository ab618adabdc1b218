"""Loads the days that changed, one after the other, and counts each afterwards.

A day is loaded if its manifest differs from the one that the destination has recorded. So a day
that was built again, exported again, or rewritten for an erasure is loaded again.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import psycopg
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from eventmill.core.database import advisory_lock
from eventmill.core.days import DayWindow
from eventmill.core.settings import get_settings
from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.loading.destinations import FILESYSTEM, chosen, prepare
from eventmill.warehouse.loading.errors import DayReplaced, LoadFailed, chain, translated
from eventmill.warehouse.reading import MANIFEST_READERS, ExportedDay, days, read_day
from eventmill.warehouse.storage import Root
from eventmill.warehouse.tables import tables

if TYPE_CHECKING:
    from eventmill.warehouse.loading.database import DatabaseTarget
    from eventmill.warehouse.loading.folder import FolderTarget

# Two loads would share dlt's staging tables: whoever loads holds this lock, on whatever machine.
LOAD_LOCK: Final = "eventmill.warehouse_load"
# The last wait is half a minute: a warehouse that wakes up, or a network that comes back.
ATTEMPTS: Final = 6


@dataclass(frozen=True, slots=True)
class DayLoaded:
    """A day that was loaded, with the rows of each table."""

    day: date
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load did. `unchanged` counts exported days of which nothing was to be done."""

    destination: str
    dataset: str
    days: tuple[DayLoaded, ...]
    unchanged: int

    @property
    def rows(self) -> int:
        return sum(sum(day.rows.values()) for day in self.days)

    def as_json(self) -> dict[str, Any]:
        return {
            "destination": self.destination,
            "dataset": self.dataset,
            "days": len(self.days),
            "rows": self.rows,
            "unchanged": self.unchanged,
            "loaded": [{**asdict(day), "day": day.day.isoformat()} for day in self.days],
        }


def load(
    connection: psycopg.Connection,
    root: Root,
    window: DayWindow | None,
    report: Callable[[DayLoaded, int, int], None] = lambda *_: None,
) -> Outcome:
    """Load what has changed of the exported days, or of those in `window`, oldest first.

    `connection` is in autocommit mode, and waits for whoever else loads. `report` gets each
    loaded day, its number, and how many there are. Raises ConfigurationError for a destination that
    is not set, not installed or without credentials, LoadFailed when it refuses or stays away, and
    StorageError for files that cannot be read. Days that were loaded stay.
    """
    name, dataset = chosen(), get_settings().warehouse_dataset
    prepare()
    with advisory_lock(connection, LOAD_LOCK), translated(name, "days cannot be loaded"):
        target = _open_target(name, dataset)
        loaded = target.loaded([table.name for table in tables()])
        changed, unchanged = _changed_days(root, window, loaded)
        done = []
        for number, (day, tables_of_day) in enumerate(changed.items(), start=1):
            with translated(name, f"{day} cannot be loaded"):
                rows = _load_day(root, target, day, tables_of_day)
            done.append(DayLoaded(day, rows))
            report(done[-1], number, len(changed))
    return Outcome(name, dataset, tuple(done), unchanged)


def _open_target(name: str, dataset: str) -> "DatabaseTarget | FolderTarget":
    """The destination `name` of the settings. Does not connect."""
    if name == FILESYSTEM:
        from eventmill.warehouse.loading.folder import FolderTarget

        return FolderTarget(dataset)
    from eventmill.warehouse.loading.database import DatabaseTarget

    return DatabaseTarget(name, dataset)


def _changed_days(
    root: Root, window: DayWindow | None, loaded: Mapping[tuple[str, date], str]
) -> tuple[dict[date, list[ExportedDay]], int]:
    """Days with the tables that have changed, oldest first, and how many days have not."""
    exported = [
        (table.name, day)
        for table in tables()
        for day in days(root, table)
        if window is None or window.first <= day <= window.last
    ]
    changed = defaultdict(list)
    with ThreadPoolExecutor(MANIFEST_READERS) as pool:
        for found in pool.map(lambda one: read_day(root, *one), exported):
            if found and loaded.get((found.manifest.table, found.manifest.day)) != found.checksum:
                changed[found.manifest.day].append(found)
    unchanged = {day for _, day in exported} - changed.keys()
    return dict(sorted(changed.items())), len(unchanged)


def _load_day(
    root: Root, target: "DatabaseTarget | FolderTarget", day: date, changed: list[ExportedDay]
) -> dict[str, int]:
    """Load a day, and again after a fault that passes; the rows of each table."""
    for attempt in Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(max=30),
        reraise=True,
    ):
        with attempt:
            if attempt.retry_state.attempt_number > 1:
                again = [read_day(root, one.manifest.table, day) for one in changed]
                changed = [one for one in again if one]
            target.load(root, day, changed)
    rows = {one.manifest.table: one.manifest.rows for one in changed}
    for table, expected in rows.items():
        if (found := target.rows(table, day)) != expected:
            raise LoadFailed(
                f"{table} of {day} has {found} rows in the destination instead of {expected}:"
                " does somebody else write to it?"
            )
    return rows


def _passes(error: BaseException) -> bool:
    from dlt.pipeline.helpers import retry_load

    if any(isinstance(cause, DayReplaced) for cause in chain(error)):
        return True
    if isinstance(error, StorageError | OSError) or not isinstance(error, Exception):
        return False
    return retry_load(("load", "sync"))(error)
