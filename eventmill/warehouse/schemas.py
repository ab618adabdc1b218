"""Versions of a table's schema: an added column or comment keeps the version, all else raises it.

`<root>/<table>/schema.json` is the schema of the day that was exported last.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict

from eventmill.warehouse.manifest import Column
from eventmill.warehouse.root import Root


def next_version(root: Root, table: str, schema: Sequence[Column]) -> int:
    """The version that `schema` has, and is known by from now on."""
    content = root.read_schema(table)
    version = 1
    if content is not None:
        known = json.loads(content)
        former = [Column(**column) for column in known["schema"]]
        version = known["version"] + (0 if is_additive(former, schema) else 1)
        if former == list(schema):
            return int(version)
    stored = {"version": version, "schema": [asdict(column) for column in schema]}
    root.write_schema(table, (json.dumps(stored, indent=1, ensure_ascii=False) + "\n").encode())
    return int(version)


def is_additive(former: Sequence[Column], schema: Sequence[Column]) -> bool:
    """Whether whoever reads the former columns by name reads the same from the new ones."""
    now = {column.name: (column.type, column.is_pseudonym) for column in schema}
    return all(now.get(c.name) == (c.type, c.is_pseudonym) for c in former)
