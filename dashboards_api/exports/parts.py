"""The events of one day, as the database gives them, in a compressed file of their own."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain

from psycopg import ClientCursor, Connection

from dashboards_api.exports.columns import parameters, statement
from dashboards_api.exports.heartbeat import Heartbeat
from dashboards_api.exports.queue import Job, Part
from eventmill.core.days import ONE_DAY, day_start
from eventmill.warehouse import Root

# A row comes at a time; the compressor and the storage work best with more.
BATCH_BYTES = 256 * 1024
GZIP = 16 + zlib.MAX_WBITS
# The fastest level: parts are read once more and then thrown away.
LEVEL = 1


def make_part(
    connection: Connection, job: Job, day: date, storage: Root, heartbeat: Heartbeat
) -> Part:
    """Store one day of the export, read in one statement and so of one moment. A day without events
    gets no file."""
    values = {
        **parameters(job.filters),
        "export_id": job.export_id,
        "start": day_start(day),
        "end": day_start(day + ONE_DAY),
    }
    query = statement(job.format, redacted=not job.include_personal_data)
    with ClientCursor(connection) as cursor:
        with cursor.copy(query, values) as copy:
            chunks = heartbeat.watched(_batches(copy))
            first = next(chunks, None)
            if first is None:
                return Part(day, 0, None)
            # Two processes that both think it is theirs write to two names.
            key = f"{job.owner}/{day}.{job.attempt}.gz"
            storage.write(key, compressed(chain([first], chunks)))
        return Part(day, cursor.rowcount, key)


def compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A chunk of a long run of equal characters would be a thousand times as large: bounded."""
    decompressor = zlib.decompressobj(GZIP)
    for chunk in chunks:
        rest = chunk
        while rest:
            yield decompressor.decompress(rest, BATCH_BYTES)
            rest = decompressor.unconsumed_tail
    yield decompressor.flush()


def _batches(rows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    batch = bytearray()
    for row in rows:
        batch += row
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)
