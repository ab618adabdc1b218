"""What admins do with exports: request, look at, download and remove them."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from dashboards_api.database import Pool, rows, snapshot, tuples
from dashboards_api.exports import links
from dashboards_api.exports.files import MEDIA_TYPES, file_name
from dashboards_api.exports.queries import CREATE, DELETE, FORGET_PARTS, READ
from dashboards_api.exports.schemas import Export, ExportList, ExportRequest, ExportRow
from dashboards_api.ranges import resolve_days
from eventmill.core.days import utc_today
from eventmill.core.errors import FieldError, InvalidFields, NotFound, Unavailable
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller
from eventmill.privacy.audit import Action, record
from eventmill.privacy.files import STORAGE_AWAY, WAIT_FOR_ERASING, remove_files
from eventmill.warehouse import StorageError, open_root

log = logging.getLogger("eventmill.dashboards.exports")

SHORTEST_REASON = 10

LocalLink = Callable[[UUID, int, str], str]
"""(export, expires, signature) → the URL of this API's own download."""


async def create(state: Pool, caller: Caller, asked: ExportRequest) -> UUID:
    """Ask for an export. Raises InvalidFields."""
    if asked.include_personal_data and len(asked.reason or "") < SHORTEST_REASON:
        raise InvalidFields(
            [FieldError("reason", f"must say in {SHORTEST_REASON} characters or more what the"
                        " personal data is needed for")]
        )  # fmt: skip
    if asked.reason and not asked.include_personal_data:
        raise InvalidFields([FieldError("reason", "goes with include_personal_data")])
    days = resolve_days(asked, utc_today())
    filters = asked.filters.model_dump(exclude_none=True)
    said = asked.model_dump(include={"format", "include_personal_data", "reason"})
    values = {
        **said,
        "requested_by": caller.sub,
        "first_day": days.first,
        "last_day": days.last,
        "filters": Jsonb(filters),
        "storage": get_settings().exports_location,
    }
    async with snapshot(state) as connection:
        await connection.execute(WAIT_FOR_ERASING)
        [(export_id,)] = await tuples(connection, CREATE, values)
        bounds = {"start": str(days.first), "end": str(days.last)}
        # These may name a person, and the log outlives them. ops.exports has them in clear.
        words = {"filters": json.dumps(filters, sort_keys=True), "reason": said.pop("reason")}
        detail = {"export_id": str(export_id), **said, **bounds}
        await record(connection, caller, Action.EXPORT_CREATED, detail, hashed=words)
    assert isinstance(export_id, UUID)
    return export_id


async def get(state: Pool, caller: Caller, export_id: UUID, local_link: LocalLink) -> Export:
    """One export, with a link to its file if it is done. Raises NotFound and Unavailable."""
    async with snapshot(state) as connection:
        row = await _row(connection, export_id)
        if row.file_key is None:
            return row
        if row.include_personal_data:
            # A bucket's downloads do not pass here: who has the link has the file.
            detail = {"export_id": str(export_id)}
            await record(connection, caller, Action.EXPORT_DOWNLOADED, detail)
    return await _with_link(row, local_link)


async def page(state: Pool, limit: int, cursor: UUID | None) -> ExportList:
    """The newest exports, or those before `cursor`."""
    asked = {"export_id": None, "cursor": cursor, "limit": limit + 1}
    async with snapshot(state) as connection:
        found = await rows(connection, ExportRow, READ, asked)
    shown = found[:limit]
    return ExportList(
        exports=list(shown),
        next_cursor=shown[-1].export_id if len(found) > limit else None,
    )


async def delete(state: Pool, export_id: UUID) -> None:
    """Remove the export's file, and end its making. Raises NotFound and Unavailable."""
    async with snapshot(state) as connection:
        row = await _row(connection, export_id)
        await connection.execute(DELETE, {"export_id": export_id})
        await connection.execute(FORGET_PARTS, {"export_ids": [export_id]})
    # Should this fail, nobody gets at the file any more, and the next sweep removes it.
    await remove_files(row.storage, export_id)


async def file_of(state: Pool, export_id: UUID) -> tuple[Path, str, str]:
    """An export's file on this machine, the name of its download and its media type.

    Raises NotFound, also if the file is in a bucket: its link leads there.
    """
    async with snapshot(state) as connection:
        row = await _row(connection, export_id)
    path = open_root(row.storage, of="exports").local(row.file_key) if row.file_key else None
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound("the export has no file here")
    return path, _name(row), MEDIA_TYPES[row.format]


async def _row(connection: AsyncConnection, export_id: UUID) -> ExportRow:
    asked = {"export_id": export_id, "cursor": None, "limit": 1}
    found = await rows(connection, ExportRow, READ, asked)
    if not found:
        raise NotFound("there is no such export")
    return found[0]


def _name(row: ExportRow) -> str:
    return file_name(row.format, row.range.start, row.range.end)


async def _with_link(row: ExportRow, local_link: LocalLink) -> Export:
    assert row.file_key is not None
    assert row.expires_at is not None
    now = datetime.now(UTC).replace(microsecond=0)
    lifetime = timedelta(seconds=get_settings().exports_url_seconds)
    until = min(now + lifetime, row.expires_at.replace(microsecond=0))
    seconds = max(1, int((until - now).total_seconds()))
    try:
        # The library may have to fetch the machine's credentials first.
        storage = await asyncio.to_thread(open_root, row.storage, of="exports")
        url = await asyncio.to_thread(storage.link, row.file_key, seconds)
    except StorageError as error:
        log.warning("export %s: %s", row.export_id, error)
        raise Unavailable(STORAGE_AWAY) from None
    expires = int(until.timestamp())
    row.download_url = url or local_link(
        row.export_id, expires, links.signature(row.export_id, expires)
    )
    row.download_url_expires_at = until
    return row
