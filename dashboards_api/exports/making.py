"""Makes an export: first each day, then the file. It continues where an earlier attempt ended."""

import logging
import threading

from psycopg import Connection

from dashboards_api.exports import queue
from dashboards_api.exports.files import write_file
from dashboards_api.exports.heartbeat import APPLICATION, Heartbeat
from dashboards_api.exports.parts import make_part
from dashboards_api.exports.queue import ClaimLost, Job, Part
from eventmill.core.database import connect
from eventmill.core.settings import get_settings
from eventmill.warehouse import Root, open_root

log = logging.getLogger(__name__)

# A day's events are sorted by time, which needs more than the 4 MB of a default server.
SESSION = """
select
    set_config('timezone', 'UTC', false),
    set_config('statement_timeout', '0', false),
    set_config('work_mem', '64MB', false)
"""


def make(job: Job, stopping: threading.Event) -> None:
    """Make the file of `job` and say that it is there.

    Raises ClaimLost, Stopping, StorageError and psycopg.Error; what is finished by then stays.
    """
    storage = open_root(job.storage, of="exports")
    with (
        connect(autocommit=True, application=APPLICATION) as connection,
        Heartbeat(job, stopping) as heartbeat,
    ):
        connection.execute(SESSION)
        finished = _finished_parts(connection, job, storage)
        for day in job.days:
            if day not in finished:
                heartbeat.check()
                part = make_part(connection, job, day, storage, heartbeat)
                _record(connection, job, part, storage)
                finished[day] = part
        parts = [finished[day] for day in job.days]
        keys = [part.part_key for part in parts if part.part_key]
        file_key, size = write_file(job, keys, storage, heartbeat)
        rows = sum(part.row_count for part in parts)
        keep_days = get_settings().exports_retention_days
        try:
            queue.finish(connection, job, file_key, rows, size, keep_days)
        except ClaimLost:
            storage.remove(file_key)
            raise
    storage.clear(job.owner, keep=[file_key])
    log.info("export %s: %s events, %s bytes", job.export_id, rows, size)


def _finished_parts(connection: Connection, job: Job, storage: Root) -> dict[object, Part]:
    """Days that need not be made again; those whose file is gone are forgotten."""
    found = queue.parts(connection, job)
    gone = [part.day for part in found if part.part_key and not storage.has(part.part_key)]
    if gone:
        queue.forget_parts(connection, job, gone)
    return {part.day: part for part in found if part.day not in gone}


def _record(connection: Connection, job: Job, part: Part, storage: Root) -> None:
    try:
        queue.add_part(connection, job, part)
    except ClaimLost:
        if part.part_key:
            storage.remove(part.part_key)
        raise
