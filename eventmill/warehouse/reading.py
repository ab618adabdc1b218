"""What readers see of the warehouse: the days that have a manifest, and the files it names."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

from eventmill.core.errors import NotFound
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.object_storage import StorageError
from eventmill.warehouse.root import Root
from eventmill.warehouse.tables import Table

# Of a bucket, each manifest is a request that mostly waits.
MANIFEST_READERS: Final = 16


def days(root: Root, table: Table) -> list[date]:
    """The exported UTC days of a table, in order."""
    return root.days(table.name)


def manifest(root: Root, table: Table, day: date) -> Manifest:
    """The manifest of a day. Raises NotFound if the day is not exported, StorageError else."""
    content = root.read_manifest(table.name, day)
    if content is None:
        raise NotFound(f"{table.name} of {day} is not exported to {root.url}")
    try:
        return Manifest.from_json(content)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"the manifest of {table.name} of {day} cannot be read: {error}"
        ) from error


def files(root: Root, table: Table, day: date) -> list[str]:
    """Paths or URLs of the day's Parquet files, in order. Raises as `manifest`."""
    return [root.url_of(table.name, day, file.name) for file in manifest(root, table, day).files]


def files_of_days(root: Root, table: Table, exported: Sequence[date]) -> list[str]:
    """The files of several days, in their order. Raises as `manifest`."""
    with ThreadPoolExecutor(MANIFEST_READERS) as pool:
        found = pool.map(lambda day: files(root, table, day), exported)
        return [file for of_day in found for file in of_day]
