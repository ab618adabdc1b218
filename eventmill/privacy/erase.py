"""Erases a person in one transaction: everything or nothing.

The dashboards API and the command line both call `erase`, or `preview`, which does the same and
takes it back. No build runs during an erasure: a build that has read the person's events would
write them into the marts again. The ingest service goes on storing. At the end the erasure locks it
out for a moment, and removes the events of the person that arrived meanwhile. From the commit on,
`raw.erased_subjects` keeps out events received before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import uuid4

from psycopg import AsyncConnection, errors

from eventmill.core.database import BUILD_LOCK, ERASURE_LOCK
from eventmill.core.errors import Unavailable
from eventmill.core.tokens import Caller
from eventmill.privacy import certificate as certificates
from eventmill.privacy.audit import Action, Operator, record
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.claims import Claim, claims, include_claimed
from eventmill.privacy.days import days_with_events, neighbours, note_days
from eventmill.privacy.files import (
    forget_exports,
    note_warehouse_files,
    remove_exports,
)
from eventmill.privacy.hashes import erasure_key, key_id, new_pseudonym, subject_hash, visitor_hash
from eventmill.privacy.mentions import parameters
from eventmill.privacy.removal import (
    Removed,
    remaining,
    remove_built,
    remove_raw,
    replace_all_mentions,
)
from eventmill.privacy.statements import connect_async, fetch
from eventmill.privacy.subject import Person, find, follow, person_of, require_subject_id
from eventmill.privacy.totals import Totals, totals

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


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would do. Counts by table are rows, as in the certificate."""

    ids: Sequence[str]
    claimed: Sequence[Claim]
    """What browsers claim of the person, and would stay."""
    removed: Mapping[str, int]
    pseudonymised: Mapping[str, int]
    remaining: Mapping[str, int]
    exports: int
    """Exports that would be removed."""
    warehouse_days: int
    """Days of the warehouse whose files would be rewritten."""
    days: Sequence[date]
    rebuilt_days: Sequence[date]
    totals_before: Totals | None
    totals_after: Totals | None


async def erase(
    connection: AsyncConnection,
    subject_id: str,
    actor: Caller | Operator,
    *,
    include: Collection[str] = (),
    build_seconds: float = 0,
) -> Certificate:
    """Erase a person for `actor`, and record it; `connection` is in autocommit mode.

    A person of whom nothing is held is erased too: what waits elsewhere must not come. `include`
    are claimed ids that count as the person's. A build that runs is interrupted, and tried again
    afterwards; waits at most `build_seconds` (0: as long as it takes) for that.

    Raises InvalidFields for what cannot be an id and for an `include` that nobody claims,
    Unavailable if somebody holds it up for too long or an export cannot be removed, and what
    psycopg raises; then nothing was erased, but for files of exports perhaps.
    """
    require_subject_id(subject_id)
    key, erasure_id = erasure_key(), uuid4()
    async with connection.transaction():
        # A build that runs makes room.
        await connection.execute(
            "select pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (ERASURE_LOCK,)
        )
        seen = await _begin(connection, build_seconds)
        detail: dict[str, object] = {"erasure_id": str(erasure_id)}
        if include:
            detail["included"] = len(include)
        await record(connection, actor, Action.SUBJECT_ERASED, detail, subject=subject_id)
        person = await _find(connection, subject_id, include)
        removed = Removed()
        before, after, also_days, kept = await _remove(connection, person, removed)
        # Most exports go before the ingest service is held up.
        await remove_exports(connection, early := set(removed.days))
        erased_at, person = await _close(connection, person, seen, removed)
        await remove_exports(connection, removed.days - early)
        rebuilt = await note_days(connection, erasure_id, removed.days, also_days)
        certificate = Certificate(
            erasure_id=erasure_id,
            erased_at=erased_at,
            subject_hash=subject_hash(key, subject_id).hex(),
            removed=removed.by_table(),
            pseudonymised=removed.pseudonymised_by_table(),
            remaining=kept,
            days=sorted(removed.days),
            rebuilt_days=rebuilt,
            totals_before=before,
            totals_after=after,
            waiting_days=rebuilt,
        )
        await certificates.store(connection, certificate)
        touched = removed.days | removed.mentioned
        await note_warehouse_files(connection, erasure_id, person, touched)
    return certificate


async def preview(
    connection: AsyncConnection,
    subject_id: str,
    actor: Caller | Operator,
    *,
    include: Collection[str] = (),
    build_seconds: float = 0,
) -> Preview:
    """What `erase` would do with the same arguments; it is done, counted and taken back.

    Files stay as they are and the ingest service is not held up. Recorded as a reading. Raises what
    `erase` does.
    """
    require_subject_id(subject_id)
    async with await connect_async() as log:
        await record(log, actor, Action.SUBJECT_READ, {"dry_run": True}, subject=subject_id)
    erasure_id = uuid4()
    async with connection.transaction(force_rollback=True):
        await _begin(connection, build_seconds)
        person = await _find(connection, subject_id, include)
        claimed = await claims(connection, person)
        removed = Removed()
        before, after, also_days, kept = await _remove(connection, person, removed)
        exports = await forget_exports(connection, removed.days)
        touched = removed.days | removed.mentioned
        return Preview(
            ids=person.ids,
            claimed=claimed,
            removed=removed.by_table(),
            pseudonymised=removed.pseudonymised_by_table(),
            remaining=kept,
            exports=len(exports),
            warehouse_days=await note_warehouse_files(connection, erasure_id, person, touched),
            days=sorted(removed.days),
            rebuilt_days=await note_days(connection, erasure_id, removed.days, also_days),
            totals_before=before,
            totals_after=after,
        )


async def _begin(connection: AsyncConnection, build_seconds: float) -> str:
    """Hold builds up; the snapshot from which on events are late."""
    await connection.execute(SETTINGS)
    await _wait_for_builds(connection, build_seconds)
    [(seen,)] = await fetch(connection, "select pg_current_snapshot()::text")
    return str(seen)


async def _find(connection: AsyncConnection, subject_id: str, include: Collection[str]) -> Person:
    person = await find(connection, await person_of(connection, subject_id))
    if not include:
        return person
    return await find(connection, await include_claimed(connection, person, include))


async def _remove(
    connection: AsyncConnection, person: Person, removed: Removed
) -> tuple[Totals | None, Totals | None, set[date], dict[str, int]]:
    """Remove all that is in the database.

    Returns the totals before and after, the days whose sessions change besides, and what remains.
    """
    before, after = await totals(connection, await days_with_events(connection))
    also_days = await neighbours(connection, person.visitors.values())
    looked_for = _looked_for(person)
    await remove_raw(connection, looked_for, removed)
    await remove_built(connection, looked_for, removed)
    await replace_all_mentions(connection, looked_for, removed)
    return before, after, also_days, await remaining(connection, looked_for)


def _looked_for(person: Person) -> dict[str, Any]:
    return parameters(person, {known: new_pseudonym() for known in person.ids})


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
    connection: AsyncConnection, person: Person, seen: str, removed: Removed
) -> tuple[datetime, Person]:
    """Keep out what was received until now, and remove what came since the snapshot `seen`.

    Returns when that was, and the person as it is known by then.
    """
    await _let_nobody_store(connection)
    [(erased_at,)] = await fetch(connection, "select clock_timestamp()")
    assert isinstance(erased_at, datetime)
    new = [day for (day,) in await fetch(connection, TOUCHED_SINCE, {"seen": seen})]
    own = person.visitors.keys() - person.included
    linked = await follow(connection, own, person.included)
    is_same = linked.visitors.keys() == person.visitors.keys()
    if new or not is_same:
        person = await find(connection, linked, new if is_same else None)
        await remove_raw(connection, _looked_for(person), removed)
    key = erasure_key()
    await connection.execute(
        TOMBSTONES,
        {
            "hashes": [visitor_hash(key, known) for known in sorted(person.visitors.values())],
            "key_id": key_id(key),
            "erased_at": erased_at,
        },
    )
    return erased_at, person


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
