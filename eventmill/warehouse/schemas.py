"""Versions of a table's schema. A new column or comment keeps the version; other changes raise it.

`<root>/<table>/schema.json` is the schema of the day that was exported last.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from eventmill.warehouse.manifest import Column
from eventmill.warehouse.storage import Root

SCHEMA = "schema.json"


class Schema(NamedTuple):
    """The columns of a table's files, and their version."""

    version: int
    columns: list[Column]


def last_schema(root: Root, table: str) -> Schema | None:
    """The schema of the day that was exported last; None if nothing was. Raises StorageError."""
    content = root.read_if_there(f"{table}/{SCHEMA}")
    if content is None:
        return None
    known = json.loads(content)
    return Schema(int(known["version"]), [Column(**column) for column in known["schema"]])


def next_version(root: Root, table: str, columns: Sequence[Column]) -> int:
    """The version that `columns` have, and are known by from now on."""
    version = 1
    if last := last_schema(root, table):
        version = last.version + (0 if is_additive(last.columns, columns) else 1)
        if last.columns == list(columns):
            return version
    stored = {"version": version, "schema": [asdict(column) for column in columns]}
    content = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    root.write(f"{table}/{SCHEMA}", [content.encode()])
    return version


def is_additive(former: Sequence[Column], columns: Sequence[Column]) -> bool:
    """Whether whoever reads the former columns by name reads the same from the new ones."""
    now = {column.name: (column.type, column.is_pseudonym) for column in columns}
    return all(now.get(c.name) == (c.type, c.is_pseudonym) for c in former)
