"""The audit log: who read, exported or erased personal data.

Rows of `ops.audit_log` are only added. Call `record` before the data leaves: if the log cannot be
written, the caller gets an error and no data.
"""

import os
import pwd
from collections.abc import Mapping
from enum import StrEnum
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from eventmill.core.errors import Unavailable
from eventmill.core.tokens import Caller

RECORD: LiteralString = """
insert into ops.audit_log (actor, actor_role, action, subject_hash, detail)
values (
    %(actor)s, %(actor_role)s, %(action)s, ops.subject_hash(%(subject)s),
    %(detail)s || (
        select coalesce(jsonb_object_agg(name || '_hash', ops.subject_hash(content)), '{}')
        from jsonb_each_text(%(hashed)s) as words (name, content)
    )
)
"""


class Action(StrEnum):
    """What can be in the log: the thing, and what was done with it."""

    EVENTS_READ = "events.read"
    EXPORT_CREATED = "export.created"
    EXPORT_DOWNLOADED = "export.downloaded"
    SUBJECT_READ = "subject.read"
    SUBJECT_ERASED = "subject.erased"


class Operator(NamedTuple):
    """Who runs a command: the operating system's user, who has no token."""

    sub: str
    role: str = "os_user"

    @classmethod
    def of_this_process(cls) -> "Operator":
        """Asks the system, not the environment, which the user can set."""
        try:
            return cls(pwd.getpwuid(os.getuid()).pw_name)
        except KeyError:  # a container may run as a user without a name
            return cls(f"uid {os.getuid()}")


async def record(
    connection: AsyncConnection,
    actor: Caller | Operator,
    action: Action,
    detail: Mapping[str, object],
    *,
    subject: str | None = None,
    hashed: Mapping[str, str | None] | None = None,
) -> None:
    """Write that `actor` did `action`, in the connection's transaction.

    `detail` says what was asked for (ids of the marketplace's things, days, formats, a reason) and
    holds nothing about a person. Of `hashed`, which may, `detail` gets `NAME_hash`: the same for
    the same text, so that a text can be held against it. `subject` is the id of the person whom it
    was about, of which only a keyed hash is kept. Raises Unavailable when the log cannot be
    written.
    """
    parameters = {
        "actor": _storable(actor.sub),
        "actor_role": actor.role,
        "action": action.value,
        "subject": subject,
        "detail": Jsonb(dict(detail)),
        "hashed": Jsonb(dict(hashed or {})),
    }
    try:
        await connection.execute(RECORD, parameters)
    except psycopg.Error:
        raise Unavailable("the audit log cannot be written") from None


def _storable(text: str) -> str:
    """The text as PostgreSQL can hold it: an odd name must not keep an act out of the log."""
    return text.encode(errors="replace").decode().replace("\0", "")
