"""A person's data is read or erased for an admin, and both are recorded.

Both may read every event that there is, so each has a connection of its own and no time limit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from dashboards_api import audit
from dashboards_api.audit import Action
from dashboards_api.database import AWAY, Pool, snapshot
from dashboards_api.exports.service import delete_exports_of
from dashboards_api.privacy.schemas import Erasure, erasure
from eventmill.core.database import database_url
from eventmill.core.errors import NotFound, Unavailable
from eventmill.core.tokens import Caller
from eventmill.privacy import certificate as certificates
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.document import document
from eventmill.privacy.erase import erase
from eventmill.privacy.holdings import held
from eventmill.privacy.subject import require_subject_id

# A build of a month takes minutes: rather than so long, a caller is told to come back.
BUILD_SECONDS = 20.0

NOTHING_HELD = "nothing is held on this id"
NO_CERTIFICATE = "there is no such erasure"


async def read_subject(state: Pool, caller: Caller, subject_id: str) -> AsyncIterator[str]:
    """Everything held on a person, as parts of one JSON text.

    Recorded before the first part leaves. Raises NotFound, InvalidFields, Unavailable.
    """
    require_subject_id(subject_id)
    parts = document(_held(subject_id), subject_id)
    first = await anext(parts, None)
    found = {"found": first is not None}
    await audit.record(state, caller, Action.SUBJECT_READ, found, subject=subject_id)
    if first is None:
        raise NotFound(NOTHING_HELD)
    return _with_first(first, parts)


async def erase_subject(caller: Caller, subject_id: str) -> Erasure:
    """Erase a person, with exports that may hold them.

    Raises InvalidFields, and Unavailable: then nothing was erased, but for exports perhaps.
    """

    async def record(connection: AsyncConnection, done: Certificate) -> None:
        detail = {"erasure_id": str(done.erasure_id)}
        await audit.record(connection, caller, Action.SUBJECT_ERASED, detail, subject=subject_id)

    async with _connection() as connection:
        done = await erase(
            connection,
            subject_id,
            build_seconds=BUILD_SECONDS,
            remove_files=delete_exports_of,
            also=record,
        )
    return erasure(done)


async def certificate(state: Pool, erasure_id: UUID) -> Erasure:
    """The certificate of an erasure, with how far the rebuild is. Raises NotFound."""
    async with snapshot(state) as connection:
        found = await certificates.read(connection, erasure_id)
    if found is None:
        raise NotFound(NO_CERTIFICATE)
    return erasure(found)


async def _held(subject_id: str) -> AsyncIterator[tuple[str, str]]:
    async with _connection() as connection:
        async for section, row in held(connection, subject_id):
            yield section, row


async def _with_first(first: str, parts: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for part in parts:
        yield part


@asynccontextmanager
async def _connection() -> AsyncIterator[AsyncConnection]:
    """Raises Unavailable when the database is away or ends the connection."""
    try:
        async with await AsyncConnection.connect(
            database_url(), autocommit=True, application_name="eventmill-subjects"
        ) as connection:
            yield connection
    except psycopg.OperationalError:
        raise Unavailable(AWAY) from None
