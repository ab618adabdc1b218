"""Reads or erases a person's data for an admin, with the code of `eventmill subjects`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import psycopg

from dashboards_api.database import AWAY, Pool, snapshot
from dashboards_api.privacy.schemas import (
    Erasure,
    ErasurePreview,
    erasure,
    erasure_preview,
)
from eventmill.core.errors import NotFound, Unavailable
from eventmill.core.tokens import Caller
from eventmill.privacy import certificate as certificates
from eventmill.privacy.erase import erase, preview
from eventmill.privacy.holdings import everything_held
from eventmill.privacy.statements import connect_async

# A build of a month takes minutes: rather than so long, a caller is told to come back.
BUILD_SECONDS = 20.0

NO_CERTIFICATE = "there is no such erasure"


async def read_subject(
    caller: Caller, subject_id: str, include: Sequence[str]
) -> AsyncIterator[str]:
    """Everything held on a person, as parts of one JSON text.

    Recorded before the first part leaves. Raises NotFound, InvalidFields, Unavailable.
    """
    parts = everything_held(subject_id, caller, include)
    try:
        first = await anext(parts)
    except psycopg.OperationalError:
        raise Unavailable(AWAY) from None

    async def all_parts() -> AsyncIterator[str]:
        yield first
        async for part in parts:
            yield part

    return all_parts()


async def erase_subject(
    caller: Caller, subject_id: str, include: Sequence[str], *, dry_run: bool
) -> Erasure | ErasurePreview:
    """Erase a person, or say what would go. Raises what `eventmill.privacy.erase` does."""
    how: dict[str, Any] = {"include": include, "build_seconds": BUILD_SECONDS}
    try:
        async with await connect_async() as connection:
            if dry_run:
                return erasure_preview(await preview(connection, subject_id, caller, **how))
            return erasure(await erase(connection, subject_id, caller, **how))
    except psycopg.OperationalError:
        raise Unavailable(AWAY) from None


async def certificate(state: Pool, erasure_id: UUID) -> Erasure:
    """The certificate of an erasure, with how far the rebuild is. Raises NotFound."""
    async with snapshot(state) as connection:
        found = await certificates.read(connection, erasure_id)
    if found is None:
        raise NotFound(NO_CERTIFICATE)
    return erasure(found)
