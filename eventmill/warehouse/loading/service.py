"""Which days are to be loaded, one after the other, and that each has arrived whole.

A day is loaded if the manifest of its files is another one than the destination remembers: so a
day that was built again, exported again, or rewritten for an erasure is loaded again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import psycopg
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from eventmill.core.database import advisory_lock
from eventmill.core.days import DayWindow
from eventmill.core.settings import get_settings
from eventmill.warehouse.loading.destinations import FILESYSTEM, chosen, prepare
from eventmill.warehouse.loading.errors import DayReplaced, LoadFailed, chain, translated
from eventmill.warehouse.loading.target import Exported, Target
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.object_storage import StorageError
from eventmill.warehouse.reading import MANIFEST_READERS
from eventmill.warehouse.root import Root
from eventmill.warehouse.tables import tables

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
    said: Callable[[DayLoaded, int, int], None] = lambda *_: None,
) -> Outcome:
    """Load what has changed of the exported days, or of those in `window`, oldest first.

    `connection` is in autocommit mode, and waits for whoever else loads. `said` gets each day that
    is loaded, its number, and how many there are. Raises ConfigurationError for a destination that
    is not set, not installed or without credentials, LoadFailed when it refuses or stays away, and
    StorageError for files that cannot be read. Days that were loaded stay.
    """
    name, dataset = chosen(), get_settings().warehouse_dataset
    prepare()
    with advisory_lock(connection, LOAD_LOCK), translated(name, "days cannot be loaded"):
        target = _open_target(name, dataset)
        names = [table.name for table in tables()]
        loaded = target.loaded(names)
        waiting, unchanged = _waiting(root, names, window, loaded)
        done = []
        for number, (day, changed) in enumerate(waiting.items(), start=1):
            with translated(name, f"{day} cannot be loaded"):
                _load_day(root, target, day, changed)
            done.append(DayLoaded(day, {one.manifest.table: one.manifest.rows for one in changed}))
            said(done[-1], number, len(waiting))
    return Outcome(name, dataset, tuple(done), unchanged)


def _open_target(name: str, dataset: str) -> Target:
    """The destination `name` of the settings. Does not connect."""
    if name == FILESYSTEM:
        from eventmill.warehouse.loading.folder import FolderTarget

        return FolderTarget(dataset)
    from eventmill.warehouse.loading.database import DatabaseTarget

    return DatabaseTarget(name, dataset)


def _waiting(
    root: Root,
    names: Sequence[str],
    window: DayWindow | None,
    loaded: Mapping[tuple[str, date], str],
) -> tuple[dict[date, list[Exported]], int]:
    """Days with the tables that have changed, and how many have not."""
    exported = [(name, day) for name in names for day in root.days(name)]
    if window:
        exported = [(name, day) for name, day in exported if window.first <= day <= window.last]
    with ThreadPoolExecutor(MANIFEST_READERS) as pool:
        found = pool.map(lambda one: read(root, *one), exported)
        changed = [
            one for one in found
            if one and loaded.get((one.manifest.table, one.manifest.day)) != one.checksum
        ]  # fmt: skip
    days: dict[date, list[Exported]] = {}
    for one in sorted(changed, key=lambda one: one.manifest.day):
        days.setdefault(one.manifest.day, []).append(one)
    return days, len({day for _, day in exported} - set(days))


def read(root: Root, table: str, day: date) -> Exported | None:
    """The day as it is exported now; None if it is gone. Raises StorageError."""
    content = root.read_manifest(table, day)
    if content is None:
        return None
    try:
        manifest = Manifest.from_json(content)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"the manifest of {table} of {day} cannot be read: {error}") from error
    return Exported(manifest, content, hashlib.sha256(content).hexdigest())


def _load_day(root: Root, target: Target, day: date, changed: list[Exported]) -> None:
    """Load a day, and again after a fault that passes; `changed` becomes what was loaded."""
    for attempt in Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(max=30),
        reraise=True,
    ):
        with attempt:
            if attempt.retry_state.attempt_number > 1:
                again = [read(root, one.manifest.table, day) for one in changed]
                changed[:] = [one for one in again if one]
            target.load(root, day, changed)
    for one in changed:
        table, expected = one.manifest.table, one.manifest.rows
        if (there := target.rows(table, day)) != expected:
            raise LoadFailed(
                f"{table} of {day} has {there} rows in the destination instead of {expected}:"
                " does somebody else write to it?"
            )


def _passes(error: BaseException) -> bool:
    from dlt.pipeline.helpers import retry_load

    if any(isinstance(cause, DayReplaced) for cause in chain(error)):
        return True
    if isinstance(error, StorageError | OSError) or not isinstance(error, Exception):
        return False
    return retry_load(("load", "sync"))(error)
