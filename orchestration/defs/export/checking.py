"""Whether an exported day is what the database says: rows, sums, and the files themselves."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg

from eventmill.core.errors import NotFound
from eventmill.warehouse import Manifest, Root, StorageError, manifest, table_named
from orchestration.defs.export.queries import is_current, totals_of


def compare(connection: psycopg.Connection, root: Root, done: Manifest) -> Iterator[str]:
    """What is wrong with a day that was exported as `done` says; nothing if all is well.

    A day that got events after it was exported, or is built anew by now, is not wrong: it will be
    exported again.
    """
    table = table_named(done.table)
    try:
        published = manifest(root, table, done.day)
    except (NotFound, StorageError) as error:
        yield str(error)
        return
    if published != done:
        yield f"the manifest is of the export {published.build}, not of {done.build}"
        return
    if not is_current(connection, done):
        return
    rows, totals = totals_of(connection, table, done)
    if table.schema == "raw":
        # What the build saw of the day; more may have come since.
        rows = min(rows, max(done.receipt.events, done.rows))
    if rows != done.rows:
        yield f"{done.rows:,} rows, and {table.source} has {rows:,}"
    for name, total in totals.items():
        if Decimal(done.totals[name]) != total:
            yield f"{name} sums to {done.totals[name]}, and in {table.source} to {total}"
