"""Removes files that have expired, and files that a killed process left behind."""

import logging
import shutil
from contextlib import suppress
from typing import LiteralString

from psycopg import Connection

from dashboards_api.exports.files import scratch_root
from dashboards_api.exports.heartbeat import APPLICATION
from eventmill.core.database import connect
from eventmill.core.settings import get_settings
from eventmill.warehouse import StorageError, open_root

log = logging.getLogger(__name__)

EXPIRE: LiteralString = """
update ops.exports set state = 'expired', file_key = null
where state = 'done' and expires_at <= now()
"""
STORAGES: LiteralString = "select distinct storage from ops.exports"
EXPORTS: LiteralString = """
select export_id::text, state, file_key, attempt
from ops.exports
where export_id::text = any(%(owners)s)
"""
FORGET_PARTS: LiteralString = """
delete from ops.export_parts
using ops.exports
where
    export_parts.export_id = exports.export_id
    and exports.state not in ('queued', 'running')
"""


def sweep() -> None:
    """Let exports expire, and remove every file that no export has any more."""
    with connect(autocommit=True, application=APPLICATION) as connection:
        connection.execute(EXPIRE)
        connection.execute(FORGET_PARTS)
        storages = {row[0] for row in connection.execute(STORAGES)}
        for storage in sorted({*storages, get_settings().exports_location}):
            try:
                _sweep_storage(connection, storage)
            except StorageError as error:
                log.warning("exports in %s cannot be swept: %s", storage, error)
        _sweep_scratch(connection)


def _sweep_storage(connection: Connection, url: str) -> None:
    storage = open_root(url, of="exports")
    # Listed before the states are read: what was begun since is not looked at.
    owners = storage.folders()
    for owner, state, file_key, _ in connection.execute(EXPORTS, {"owners": owners}).fetchall():
        if state not in ("queued", "running"):
            storage.clear(owner, keep=[file_key] if file_key else [])


def _sweep_scratch(connection: Connection) -> None:
    root = scratch_root()
    folders = list(root.iterdir()) if root.is_dir() else []
    owners = [folder.name.split(".")[0] for folder in folders]
    running = {
        f"{owner}.{attempt}"
        for owner, state, _, attempt in connection.execute(EXPORTS, {"owners": owners})
        if state == "running"
    }
    for folder in folders:
        if folder.name.rsplit(".", 1)[0] not in running:
            with suppress(FileNotFoundError):  # another process was first
                shutil.rmtree(folder)
