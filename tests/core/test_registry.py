"""The registry of an event's columns, held against the database."""

import psycopg

from eventmill.core.registry import COLUMNS, EventRow

STORED = """
select attname, format_type(atttypid, atttypmod)
from pg_attribute
where attrelid = 'raw.events'::regclass and attnum > 0 and not attisdropped
"""
TYPES = {"timestamp with time zone": "timestamptz"}


def test_the_registry_is_the_table(connection: psycopg.Connection) -> None:
    stored = {name: TYPES.get(kind, kind) for name, kind in connection.execute(STORED)}
    assert {name: column.type for name, column in COLUMNS.items()} == stored


def test_ingest_writes_every_column_but_the_databases_own() -> None:
    assert (*EventRow._fields, "created_at") == tuple(COLUMNS)


def test_every_column_says_what_it_is() -> None:
    assert not [name for name, column in COLUMNS.items() if not column.about.endswith(".")]
