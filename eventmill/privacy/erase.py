"""A person is erased: in one transaction, all of it or nothing.

While it lasts no build runs, since a build that had read the person's events would write them into
the marts again. The ingest service goes on storing. Only at the end it waits for a moment: what has
arrived of the person meanwhile goes too, and from the commit on `raw.erased_subjects` keeps out
whatever was received before.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import date, datetime
from typing import LiteralString
from uuid import uuid4

from psycopg import AsyncConnection, errors

from eventmill.core.database import BUILD_LOCK
from eventmill.core.errors import Unavailable
from eventmill.privacy import certificate as certificates
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.days import days_with_events, neighbours, note_days
from eventmill.privacy.files import note_files
from eventmill.privacy.hashes import erasure_key, key_id, new_pseudonym, subject_hash
from eventmill.privacy.removal import Removed, remove_built, remove_raw, replace_all_mentions
from eventmill.privacy.statements import fetch
from eventmill.privacy.subject import Subject, find, linked_ids, require_subject_id
from eventmill.privacy.totals import totals

APPLICATION = "eventmill erase"
BUSY = "days are being built, and an erasure has to wait for that: try again"

# The row trigger of raw.events leaves the ids and the days to us.
SETTINGS: LiteralString = """
set local eventmill.erasing = 'yes';
set local statement_timeout = 0;
set local timezone = 'UTC';
set local work_mem = '64MB'
"""

# Whoever stores events reads this table in the same transaction, and so has come to his end or not
# yet begun. Who waits here for us, with an event that we delete, would wait for ever: so we ask for
# less than the second after which PostgreSQL would end one of both, and let him give up.
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

Also = Callable[[AsyncConnection, Certificate], Awaitable[object]]
RemoveFiles = Callable[[AsyncConnection, Collection[date]], Awaitable[object]]


async def erase(
    connection: AsyncConnection,
    subject_id: str,
    *,
    build_seconds: float = 0,
    remove_files: RemoveFiles | None = None,
    also: Also | None = None,
) -> Certificate:
    """Erase a person; `connection` is in autocommit mode.

    One of whom nothing is held is erased too: what waits elsewhere must not come. Waits at most
    `build_seconds` (0: as long as it takes) for a build that runs. In the same transaction
    `remove_files` is told the days whose exports have to go, and `also` the certificate.

    Raises InvalidFields for what cannot be an id, Unavailable if somebody holds it up for too long,
    and what psycopg raises; then nothing was erased.
    """
    require_subject_id(subject_id)
    key, erasure_id = erasure_key(), uuid4()
    async with connection.transaction():
        await connection.execute(SETTINGS)
        await _wait_for_builds(connection, build_seconds)
        seen = await _snapshot(connection)
        subject = await find(connection, subject_id)
        removed = Removed()
        before, after = await totals(connection, await days_with_events(connection))
        also_days = await neighbours(connection, subject.ids)
        pseudonyms = {known: new_pseudonym() for known in subject.ids}
        await remove_raw(connection, subject, pseudonyms, removed)
        await remove_built(connection, subject, removed)
        await replace_all_mentions(connection, pseudonyms, removed)
        told = set(removed.days)
        if remove_files and told:
            await remove_files(connection, told)
        erased_at, ids = await _close(connection, subject, seen, removed)
        rebuilt = await note_days(connection, erasure_id, removed.days, also_days)
        found = Certificate(
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
        await certificates.store(connection, found)
        await note_files(connection, erasure_id, ids, removed.days | removed.mentioned)
        if remove_files and (late := removed.days - told):
            await remove_files(connection, late)
        if also:
            await also(connection, found)
    return found


async def _snapshot(connection: AsyncConnection) -> str:
    """What is committed now, as text."""
    [(seen,)] = await fetch(connection, "select pg_current_snapshot()::text")
    return str(seen)


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
    connection: AsyncConnection, subject: Subject, seen: str, removed: Removed
) -> tuple[datetime, set[str]]:
    """Keep out what was received until now, and remove what came since `seen`.

    When that was, and all ids of the person, as they are known by then.
    """
    await _let_nobody_store(connection)
    [(erased_at,)] = await fetch(connection, "select clock_timestamp()")
    assert isinstance(erased_at, datetime)
    ids = set(subject.ids)
    new = [day for (day,) in await fetch(connection, TOUCHED_SINCE, {"seen": seen})]
    linked = await linked_ids(connection, subject.ids)
    if new or set(linked) != ids:
        late = await find(connection, subject.id, linked, new if set(linked) == ids else None)
        ids |= set(late.ids)
        await remove_raw(connection, late, {known: new_pseudonym() for known in late.ids}, removed)
    key = erasure_key()
    await connection.execute(
        TOMBSTONES,
        {
            "hashes": [subject_hash(key, known) for known in sorted(ids)],
            "key_id": key_id(key),
            "erased_at": erased_at,
        },
    )
    return erased_at, ids


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
    raise Unavailable("the ingest service does not let go of its tables: try again")


async def _limit_waiting(connection: AsyncConnection, milliseconds: int) -> None:
    await connection.execute("select set_config('lock_timeout', %s, true)", (f"{milliseconds}ms",))
