"""The audit log: who read or changed personal data. What is acted on is recorded with the act.

`ops.audit_log` only grows. `record` it before the data leaves: if the log cannot be written, the
caller gets an error and no data.
"""

from collections.abc import Mapping
from enum import StrEnum

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from dashboards_api.database import Pool, snapshot
from eventmill.core.tokens import Caller

RECORD = """
insert into ops.audit_log (actor, actor_role, action, subject_hash, detail)
values (
    %(actor)s, %(actor_role)s, %(action)s, ops.subject_hash(%(subject)s), %(detail)s
)
"""


class Action(StrEnum):
    """What can be in the log: the thing, and what was done with it."""

    EVENTS_READ = "events.read"
    EXPORT_CREATED = "export.created"
    EXPORT_DOWNLOADED = "export.downloaded"
    SUBJECT_READ = "subject.read"
    SUBJECT_ERASED = "subject.erased"


async def record(
    to: Pool | AsyncConnection,
    caller: Caller,
    action: Action,
    detail: Mapping[str, object],
    *,
    subject: str | None = None,
) -> None:
    """Write that `caller` did `action`.

    `to` is the state pool, and the row is committed when this returns; or a connection of it, and
    the row becomes part of its transaction. `detail` says what was asked for (ids of the
    marketplace's things, days, formats, a reason) and holds nothing about a person. `subject` is
    the id of the person whom it was about, of which only a keyed hash is kept.

    Raises Unavailable when the log cannot be written through a pool.
    """
    if isinstance(to, AsyncConnection):
        await _write(to, caller, action, detail, subject)
    else:
        async with snapshot(to) as connection:
            await _write(connection, caller, action, detail, subject)


async def _write(
    connection: AsyncConnection,
    caller: Caller,
    action: Action,
    detail: Mapping[str, object],
    subject: str | None,
) -> None:
    await connection.execute(
        RECORD,
        {
            "actor": _storable(caller.sub),
            "actor_role": caller.role,
            "action": action.value,
            "subject": subject,
            "detail": Jsonb(dict(detail)),
        },
    )


def _storable(text: str) -> str:
    """The text as PostgreSQL can hold it: an odd name must not keep an act out of the log."""
    return text.encode(errors="replace").decode().replace("\0", "")
