"""Exports a day of all tables together, and records it. Dagster and the command call this."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, LiteralString

import psycopg

from eventmill.core.database import advisory_lock
from eventmill.core.days import DayWindow
from eventmill.core.errors import EventmillError
from eventmill.core.relations import has_builds
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.source import snapshot
from eventmill.warehouse.storage import Root
from eventmill.warehouse.tables import Table
from eventmill.warehouse.writing import write_day

# Whoever writes files of the warehouse holds this advisory lock, on whatever machine.
EXPORT_LOCK: Final = "eventmill.warehouse"

RECORD: LiteralString = """
insert into ops.exported_days (
    destination, table_name, day, build, run_id, exported_at, built_at, rows, bytes,
    schema_version, key_id
) values (
    %(destination)s, %(table)s, %(day)s, %(build)s, %(run_id)s, %(exported_at)s, %(built_at)s,
    %(rows)s, %(bytes)s, %(schema_version)s, %(key_id)s
)
on conflict (destination, table_name, day) do update set
    build = excluded.build,
    run_id = excluded.run_id,
    exported_at = excluded.exported_at,
    built_at = excluded.built_at,
    rows = excluded.rows,
    bytes = excluded.bytes,
    schema_version = excluded.schema_version,
    key_id = excluded.key_id
"""
# Retention has dropped the raw events of these, so the files are the last place that has them.
IS_DROPPED: LiteralString = "select exists (select from raw.dropped_days where day = %(day)s)"


BUILT: LiteralString = """
select date from marts.daily_builds where date between %(first)s and %(last)s order by date
"""


class NotBuilt(EventmillError):
    """The day has no finished build: nothing says what its numbers are."""


def built_days_of(connection: psycopg.Connection, window: DayWindow) -> list[date]:
    """The days of `window` that are built, in order. Raises NotBuilt if none is."""
    found: list[date] = []
    if has_builds(connection):
        days = {"first": window.first, "last": window.last}
        found = [day for (day,) in connection.execute(BUILT, days)]
    if not found:
        raise NotBuilt(
            f"no day from {window.first} to {window.last} is built: `eventmill backfill` builds"
            " them"
        )
    return found


def export_day(
    connection: psycopg.Connection,
    root: Root,
    day: date,
    tables: Sequence[Table],
    pseudonyms: Pseudonyms | None,
    *,
    run_id: str | None = None,
) -> list[Manifest]:
    """Export a UTC day of `tables`, all as of one moment; their manifests.

    `connection` is in autocommit mode. Waits for whoever else exports. Files of a day whose raw
    events retention has dropped are left as they are. Raises NotBuilt, StorageError, and
    psycopg.OperationalError when the database goes away; each table has then its former files or
    its new ones.
    """
    with advisory_lock(connection, EXPORT_LOCK), snapshot(connection) as moment:
        build = moment.build_of(day)
        if build is None:
            raise NotBuilt(f"{day} is not built, or is being built now")
        written = []
        for table in tables:
            if table.schema == "raw" and is_dropped(connection, day):
                continue
            written.append(write_day(root, table, day, moment, build, pseudonyms))
        record(connection, root, written, run_id)
    return written


def record(
    connection: psycopg.Connection, root: Root, manifests: Iterable[Manifest], run_id: str | None
) -> None:
    """Record in the database that the warehouse holds these days."""
    for done in manifests:
        connection.execute(
            RECORD,
            {
                "destination": root.url,
                "table": done.table,
                "day": done.day,
                "build": done.build,
                "run_id": run_id,
                "exported_at": done.exported_at,
                "built_at": done.receipt.built_at,
                "rows": done.rows,
                "bytes": done.total_bytes,
                "schema_version": done.schema_version,
                "key_id": done.key_id,
            },
        )


def is_dropped(connection: psycopg.Connection, day: date) -> bool:
    """Whether retention has dropped the raw events of the day."""
    return connection.execute(IS_DROPPED, {"day": day}).fetchone() == (True,)
