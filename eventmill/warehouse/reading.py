"""What readers see of the warehouse: the days that have a manifest, and the files it names.

A day of a table is the folder `<table>/date=YYYY-MM-DD/`; `<table>/schema.json` is the schema of
the day that was exported last.
"""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final, NamedTuple

from eventmill.core.errors import NotFound
from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.storage import Root
from eventmill.warehouse.tables import Table

MANIFEST: Final = "manifest.json"
DAY_FOLDER: Final = "date="
# Of a bucket, each manifest is a request that mostly waits.
MANIFEST_READERS: Final = 16


class ExportedDay(NamedTuple):
    """A day of a table as its manifest has it; `checksum` is the manifest's SHA-256."""

    manifest: Manifest
    content: bytes
    checksum: str


def folder_of(table: str, day: date) -> str:
    """The key of a day's folder."""
    return f"{table}/{DAY_FOLDER}{day}"


def days(root: Root, table: Table) -> list[date]:
    """The exported UTC days of a table, in order."""
    return days_named(root.folders_with(MANIFEST, table.name))


def days_named(folders: Iterable[str]) -> list[date]:
    """`date=2026-03-01` → 2026-03-01, in order. Folders that name no day are left out."""
    found = []
    for folder in set(folders):
        try:
            found.append(date.fromisoformat(folder.removeprefix(DAY_FOLDER)))
        except ValueError:
            continue
    return sorted(found)


def read_day(root: Root, table: str, day: date) -> ExportedDay | None:
    """A day as it is exported now; None if it is not. Raises StorageError."""
    content = root.read_if_there(f"{folder_of(table, day)}/{MANIFEST}")
    if content is None:
        return None
    try:
        found = Manifest.from_json(content)
    except (ValueError, TypeError) as error:
        said = " ".join(str(error).split())
        raise StorageError(f"the manifest of {table} of {day} cannot be read: {said}") from error
    return ExportedDay(found, content, hashlib.sha256(content).hexdigest())


def manifest(root: Root, table: Table, day: date) -> Manifest:
    """The manifest of a day. Raises NotFound if the day is not exported, StorageError else."""
    exported = read_day(root, table.name, day)
    if exported is None:
        raise NotFound(f"{table.name} of {day} is not exported to {root.url}")
    return exported.manifest


def files(root: Root, table: Table, day: date) -> list[str]:
    """Paths or URLs of the day's Parquet files, in order. Raises as `manifest`."""
    return [root.url_of(key) for key in keys_of(manifest(root, table, day))]


def keys_of(manifest: Manifest) -> list[str]:
    """The keys of a day's Parquet files, in order."""
    folder = folder_of(manifest.table, manifest.day)
    return [f"{folder}/{file.name}" for file in manifest.files]


def files_of_days(root: Root, table: Table, exported: Sequence[date]) -> list[str]:
    """The files of several days, in their order. Raises as `manifest`."""
    with ThreadPoolExecutor(MANIFEST_READERS) as pool:
        found = pool.map(lambda day: files(root, table, day), exported)
        return [file for of_day in found for file in of_day]
