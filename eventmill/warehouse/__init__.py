"""The warehouse's files: every built UTC day as Parquet, whole or not at all.

`<root>/<table>/date=YYYY-MM-DD/` holds the files of a day and `manifest.json`, which names them. A
file that no manifest names does not exist for readers. docs/reference/warehouse.md shows how to
read them, docs/decisions/0024 says why they are as they are.
"""

from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.manifest import Column, File, Manifest
from eventmill.warehouse.reading import days, files, files_of_days, manifest
from eventmill.warehouse.storage import Root, open_root
from eventmill.warehouse.tables import Table, table_named, tables

__all__ = [
    "Column",
    "File",
    "Manifest",
    "Root",
    "StorageError",
    "Table",
    "days",
    "files",
    "files_of_days",
    "manifest",
    "open_root",
    "table_named",
    "tables",
]
