"""The queue of exports: SQL with which a process claims one and reports on it.

A claim is the row's `attempt`: a process that begins raises it, and its later statements require
that value. So a process that was wrongly taken for dead cannot write to an export that another
process has taken over.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from dashboards_api.exports.columns import Format
from eventmill.core.days import DayWindow

# A process says that it lives every few seconds; an export of one that did not is taken over.
HEARTBEAT_SECONDS = 5
ABANDONED_SECONDS = 30
MAX_ATTEMPTS = 10
# A storage that does not answer is tried again after 10 s, 20 s, …, for twenty minutes.
MAX_TRIES = 8
FIRST_PAUSE_SECONDS = 10

GIVEN_UP = f"was begun {MAX_ATTEMPTS} times and never finished: see the service's log"

GIVE_UP: LiteralString = """
update ops.exports
set state = 'failed', error = %(error)s, finished_at = now(), pseudonym_key = null
where
    state = 'running'
    and heartbeat_at < now() - make_interval(secs => %(abandoned)s)
    and attempt >= %(most)s
"""
CLAIM: LiteralString = """
update ops.exports
set state = 'running', attempt = attempt + 1, heartbeat_at = now(), error = null
where
    export_id = (
        select export_id
        from ops.exports
        where
            (state = 'queued' and not_before <= now())
            or (
                state = 'running'
                and heartbeat_at < now() - make_interval(secs => %(abandoned)s)
            )
        order by requested_at
        limit 1
        for update skip locked
    )
returning
    export_id, attempt, format, first_day, last_day, filters, include_personal_data, storage
"""
BEAT: LiteralString = """
update ops.exports set heartbeat_at = now()
where export_id = %(export_id)s and attempt = %(attempt)s and state = 'running'
"""
PARTS: LiteralString = """
select day, row_count, part_key from ops.export_parts where export_id = %(export_id)s order by day
"""
FORGET_PARTS: LiteralString = """
delete from ops.export_parts where export_id = %(export_id)s and day = any(%(days)s)
"""
ADD_PART: LiteralString = """
with mine as (
    update ops.exports set heartbeat_at = now()
    where export_id = %(export_id)s and attempt = %(attempt)s and state = 'running'
    returning export_id
)

insert into ops.export_parts (export_id, day, row_count, part_key)
select export_id, %(day)s, %(row_count)s, %(part_key)s from mine
"""
RETRY: LiteralString = """
update ops.exports
set
    state = 'queued',
    error = %(error)s,
    not_before = now() + make_interval(secs => %(pause)s)
where export_id = %(export_id)s and attempt = %(attempt)s and state = 'running'
"""
# Days are of no use any more once the export is over.
END: LiteralString = """
with mine as (
    update ops.exports
    set {changes}, finished_at = now(), pseudonym_key = null
    where export_id = %(export_id)s and attempt = %(attempt)s and state = 'running'
    returning export_id
),

parts as (
    delete from ops.export_parts where export_id in (select export_id from mine)
)

select export_id from mine
"""
FINISH = END.format(
    changes="""
        state = 'done',
        expires_at = now() + make_interval(days => %(keep_days)s),
        file_key = %(file_key)s,
        row_count = %(row_count)s,
        byte_count = %(byte_count)s"""
)
FAIL = END.format(changes="state = 'failed', error = %(error)s")


class ClaimLost(Exception):
    """The export is no longer ours to make: deleted, erased, or taken over by another process."""


@dataclass(frozen=True, slots=True)
class Job:
    """An export that this process makes."""

    export_id: UUID
    attempt: int
    format: Format
    first_day: date
    last_day: date
    filters: dict[str, list[str]]
    include_personal_data: bool
    storage: str

    @property
    def days(self) -> DayWindow:
        return DayWindow(self.first_day, self.last_day)

    @property
    def owner(self) -> str:
        """The name under which the storage has its files."""
        return str(self.export_id)

    def claim(self, **more: Any) -> dict[str, Any]:
        return {"export_id": self.export_id, "attempt": self.attempt, **more}


@dataclass(frozen=True, slots=True)
class Part:
    """A finished day. Without events it has no file."""

    day: date
    row_count: int
    part_key: str | None


def claim(connection: Connection) -> Job | None:
    """The oldest export that nobody makes, which is now ours."""
    waiting = {"abandoned": ABANDONED_SECONDS}
    connection.execute(GIVE_UP, {**waiting, "most": MAX_ATTEMPTS, "error": GIVEN_UP})
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(CLAIM, waiting).fetchone()


def beat(connection: Connection, job: Job) -> None:
    """Say that we still make it. Raises ClaimLost."""
    _require(connection.execute(BEAT, job.claim()).rowcount)


def parts(connection: Connection, job: Job) -> list[Part]:
    """Days that are finished, by whoever made them, in order."""
    with connection.cursor(row_factory=class_row(Part)) as cursor:
        return cursor.execute(PARTS, job.claim()).fetchall()


def forget_parts(connection: Connection, job: Job, days: list[date]) -> None:
    connection.execute(FORGET_PARTS, job.claim(days=days))


def add_part(connection: Connection, job: Job, part: Part) -> None:
    """A day is finished and need not be made again. Raises ClaimLost."""
    values = {"day": part.day, "row_count": part.row_count, "part_key": part.part_key}
    _require(connection.execute(ADD_PART, job.claim(**values)).rowcount)


def finish(
    connection: Connection, job: Job, file_key: str, rows: int, size: int, keep_days: int
) -> None:
    """The file is there. Raises ClaimLost."""
    values = {"file_key": file_key, "row_count": rows, "byte_count": size, "keep_days": keep_days}
    _require(connection.execute(FINISH, job.claim(**values)).rowcount)


def release(connection: Connection, job: Job) -> None:
    """Release the export: this process stops, and another may continue at once."""
    connection.execute(RETRY, job.claim(error=None, pause=0))


def retry(connection: Connection, job: Job, error: str) -> bool:
    """Try again later, from the day that it was at; False if it was tried often enough."""
    if job.attempt >= MAX_TRIES:
        return False
    pause = FIRST_PAUSE_SECONDS * 2 ** (job.attempt - 1)
    connection.execute(RETRY, job.claim(error=error, pause=pause))
    return True


def fail(connection: Connection, job: Job, error: str) -> bool:
    """It is over, and why; False if it is not ours to end."""
    return connection.execute(FAIL, job.claim(error=error)).rowcount == 1


def _require(changed: int) -> None:
    if changed != 1:
        raise ClaimLost
