"""Erases a person in one transaction: everything or nothing.

The dashboards API and the command line both call `erase`. No build runs during an erasure: a build
that has read the person's events would write them into the marts again. The ingest service goes on
storing. At the end the erasure locks it out for a moment, and removes the events of the person that
arrived meanwhile. From the commit on, `raw.erased_subjects` keeps out events received before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import uuid4

from psycopg import AsyncConnection, errors

from eventmill.core.database import BUILD_LOCK
from eventmill.core.errors import Unavailable
from eventmill.core.tokens import Caller
from eventmill.privacy import certificate as certificates
from eventmill.privacy.audit import Action, Operator, record
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.days import days_with_events, neighbours, note_days
from eventmill.privacy.files import note_warehouse_files, remove_exports
from eventmill.privacy.hashes import erasure_key, key_id, new_pseudonym, subject_hash
from eventmill.privacy.removal import Removed, remove_built, remove_raw, replace_all_mentions
from eventmill.privacy.statements import fetch
from eventmill.privacy.subject import find, linked_ids, require_subject_id
from eventmill.privacy.totals import totals

BUSY = "days are being built, and an erasure has to wait for that: try again"

# The row trigger of raw.events leaves the ids and the days to us.
SETTINGS: LiteralString = """
set local eventmill.erasing = 'yes';
set local statement_timeout = 0;
set local timezone = 'UTC';
set local work_mem = '64MB'
"""

# Each commit of the ingest service reads this table, so while we hold this lock none is under way.
# lock_timeout stays under deadlock_timeout (1 s): we give up and try again, not a commit that waits
# for a row that we delete.
CLOSE: LiteralString = "lock table raw.erased_subjects in access exclusive mode"
CLOSE_MILLISECONDS = 700
CLOSE_TRIES = 100

TOMBSTONES: LiteralString = """
insert into raw.erased_subjects (subject_hash, key_id, erased_at)
select subject_hash, %(key_id)s, %(erased_at)s from unnest(%(hashes)s::bytea[]) as t (subject_hash)
on conflict (subject_hash) do update set
    erased_at = excluded.erased_at,
    key_id = excluded.key_id
"""

# Days that got events after a snapshot; nothing forgets such a note while no build runs.
TOUCHED_SINCE: LiteralString = """
select distinct day
from raw.touched_days
where not pg_visible_in_snapshot(last_xid, %(seen)s::pg_snapshot)
"""


async def erase(
    connection: AsyncConnection,
    subject_id: str,
    actor: Caller | Operator,
    *,
    build_seconds: float = 0,
) -> Certificate:
    """Erase a person for `actor`, and record it; `connection` is in autocommit mode.

    A person of whom nothing is held is erased too: what waits elsewhere must not come. Waits at
    most `build_seconds` (0: as long as it takes) for a build that runs.

    Raises InvalidFields for what cannot be an id, Unavailable if somebody holds it up for too long
    or an export cannot be removed, and what psycopg raises; then nothing was erased, but for files
    of exports perhaps.
    """
    require_subject_id(subject_id)
    key, erasure_id = erasure_key(), uuid4()
    async with connection.transaction():
        await connection.execute(SETTINGS)
        await _wait_for_builds(connection, build_seconds)
        [(seen,)] = await fetch(connection, "select pg_current_snapshot()::text")
        ids = await find(connection, [subject_id])
        removed = Removed()
        before, after = await totals(connection, await days_with_events(connection))
        also_days = await neighbours(connection, ids)
        pseudonyms = {known: new_pseudonym() for known in ids}
        await remove_raw(connection, pseudonyms, removed)
        await remove_built(connection, ids, removed)
        await replace_all_mentions(connection, pseudonyms, removed)
        # Most exports go before the ingest service is held up.
        await remove_exports(connection, early := set(removed.days))
        erased_at, all_ids = await _close(connection, ids, seen, removed)
        await remove_exports(connection, removed.days - early)
        rebuilt = await note_days(connection, erasure_id, removed.days, also_days)
        certificate = Certificate(
            erasure_id=erasure_id,
            erased_at=erased_at,
            subject_hash=subject_hash(key, subject_id).hex(),
            removed=removed.by_table(),
            pseudonymised=removed.pseudonymised_by_table(),
            days=sorted(removed.days),
            rebuilt_days=rebuilt,
            totals_before=before,
            totals_after=after,
            waiting_days=rebuilt,
        )
        await certificates.store(connection, certificate)
        touched = removed.days | removed.mentioned
        await note_warehouse_files(connection, erasure_id, all_ids, touched)
        detail = {"erasure_id": str(erasure_id)}
        await record(connection, actor, Action.SUBJECT_ERASED, detail, subject=subject_id)
    return certificate


async def _wait_for_builds(connection: AsyncConnection, seconds: float) -> None:
    """Hold the lock of all builds to the end of the transaction. Raises Unavailable."""
    await _limit_waiting(connection, round(seconds * 1000))
    try:
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (BUILD_LOCK,)
        )
    except errors.LockNotAvailable:
        raise Unavailable(BUSY) from None
    await _limit_waiting(connection, 0)


async def _close(
    connection: AsyncConnection, ids: Sequence[str], seen: str, removed: Removed
) -> tuple[datetime, set[str]]:
    """Keep out what was received until now, and remove what came since the snapshot `seen`.

    Returns when that was, and all ids of the person, as they are known by then.
    """
    await _let_nobody_store(connection)
    [(erased_at,)] = await fetch(connection, "select clock_timestamp()")
    assert isinstance(erased_at, datetime)
    all_ids = set(ids)
    new = [day for (day,) in await fetch(connection, TOUCHED_SINCE, {"seen": seen})]
    linked = await linked_ids(connection, ids)
    if new or set(linked) != all_ids:
        late = await find(connection, linked, new if set(linked) == all_ids else None)
        all_ids |= set(late)
        await remove_raw(connection, {known: new_pseudonym() for known in late}, removed)
    key = erasure_key()
    await connection.execute(
        TOMBSTONES,
        {
            "hashes": [subject_hash(key, known) for known in sorted(all_ids)],
            "key_id": key_id(key),
            "erased_at": erased_at,
        },
    )
    return erased_at, all_ids


async def _let_nobody_store(connection: AsyncConnection) -> None:
    """Hold the ingest service up to the end of the transaction. Raises Unavailable."""
    await _limit_waiting(connection, CLOSE_MILLISECONDS)
    for _ in range(CLOSE_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(CLOSE)
        except errors.LockNotAvailable:
            continue
        await _limit_waiting(connection, 0)
        return
    raise Unavailable("the ingest service holds its tables for too long: try again")


async def _limit_waiting(connection: AsyncConnection, milliseconds: int) -> None:
    await connection.execute("select set_config('lock_timeout', %s, true)", (f"{milliseconds}ms",))
