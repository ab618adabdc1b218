"""Files outside of the database that may hold the person: admins' exports, and the warehouse's.

Exports are removed: admins can request them again. The warehouse's files are rewritten, which takes
too long for a transaction. So the erasure only records which files have to be rewritten, and the
sensor `rewrite_erased_days` has it done (eventmill/warehouse/erasing.py).
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import date
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from eventmill.core.errors import Unavailable
from eventmill.privacy.statements import fetch
from eventmill.privacy.subject import Name, Person, spelled
from eventmill.warehouse import StorageError, open_root
from eventmill.warehouse.pseudonyms import pseudonyms_of

log = logging.getLogger("eventmill.privacy")

ERASED = "it held events of somebody whose data was erased: ask for it again"
STORAGE_AWAY = "the storage of exports does not answer: try again"

# An export that is asked for while somebody is being erased would not be among those to erase, and
# might still read what is not deleted yet: creating waits for erasing.
WAIT_FOR_ERASING: LiteralString = """
select pg_advisory_xact_lock_shared(hashtextextended('eventmill.exports.erasing', 0))
"""
HOLD_CREATING: LiteralString = """
select pg_advisory_xact_lock(hashtextextended('eventmill.exports.erasing', 0))
"""
# Those that are being made may have read the day already.
ERASE_EXPORTS: LiteralString = """
with erased as (
    update ops.exports
    set
        state = 'erased',
        file_key = null,
        pseudonym_key = null,
        finished_at = coalesce(finished_at, now()),
        error = %(error)s
    where
        state in ('queued', 'running', 'done')
        and exists (
            select from unnest(%(days)s::date[]) as touched (day)
            where touched.day between first_day and last_day
        )
    returning export_id, storage
),

parts as (
    delete from ops.export_parts where export_id in (select export_id from erased)
)

select export_id, storage from erased
"""

DESTINATIONS: LiteralString = """
select destination, array_agg(distinct day order by day), bool_or(key_id is null)
from ops.exported_days
where day = any(%(days)s)
group by destination
"""
NOTE: LiteralString = """
insert into ops.warehouse_erasures (erasure_id, destination, ids, days)
values (%(erasure_id)s, %(destination)s, %(ids)s, %(days)s)
"""


async def forget_exports(
    connection: AsyncConnection, days: Collection[date]
) -> list[tuple[str, UUID]]:
    """Mark every export, also unfinished ones, that covers any of these UTC days, as erased.

    Returns the storage and id of each; the caller removes their files. No export can be asked for
    until the transaction ends.
    """
    await connection.execute(HOLD_CREATING)
    found = await fetch(connection, ERASE_EXPORTS, {"days": sorted(days), "error": ERASED})
    return [(storage, export_id) for export_id, storage in found]


async def remove_exports(connection: AsyncConnection, days: Collection[date]) -> list[UUID]:
    """Remove every export that covers any of these UTC days; which ones.

    Part of the caller's transaction, except that the files are gone when it returns. Raises
    Unavailable if a file cannot be removed; then roll back.
    """
    found = await forget_exports(connection, days)
    for storage, export_id in found:
        await remove_files(storage, export_id)
    return [export_id for _, export_id in found]


async def remove_files(storage: str, export_id: UUID) -> None:
    """Remove all files of one export. Raises Unavailable."""
    try:
        await asyncio.to_thread(lambda: open_root(storage, of="exports").clear(str(export_id)))
    except StorageError as error:
        log.warning("export %s: %s", export_id, error)
        raise Unavailable(STORAGE_AWAY) from None


async def note_warehouse_files(
    connection: AsyncConnection, erasure_id: UUID, person: Person, days: Collection[date]
) -> int:
    """Have the exported files of `days` rewritten, in every place that days were exported to.

    Returns how many days that are, of all places.
    """
    found = await fetch(connection, DESTINATIONS, {"days": sorted(days)})
    for destination, held, has_plain_ids in found:
        pseudonyms = pseudonyms_of(destination)
        hidden = {Name(name.kind, pseudonyms.of(name.id)) for name in person.visitors}
        names = sorted((await spelled(connection, hidden)).values(), key=lambda n: (":" in n, n))
        names += sorted(pseudonyms.of(visitor) for visitor in person.visitors.values())
        if has_plain_ids:
            names += sorted(person.visitors.values())
        note = {"erasure_id": erasure_id, "destination": destination, "ids": names}
        await connection.execute(NOTE, {**note, "days": held})
    return sum(len(held) for _, held, _ in found)
