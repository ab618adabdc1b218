"""The finished file of an export, out of the files of its days."""

import csv
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from dashboards_api.exports.columns import Format
from dashboards_api.exports.heartbeat import Heartbeat
from dashboards_api.exports.parts import decompressed
from dashboards_api.exports.queue import Job
from eventmill.core.registry import COLUMNS
from eventmill.core.settings import get_settings
from eventmill.warehouse import Root
from eventmill.warehouse.folder import Folder, chunks_of

MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
# Small enough to be held in memory while it is written; readers skip whole groups by time.
ROW_GROUP_ROWS = 40_960
ENGINE = {
    "threads": "1",
    "memory_limit": "512MB",
    # Nothing is fetched from the network.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
# Out of lines of JSON: the engine's reader of CSV refuses some of what PostgreSQL writes.
PARQUET = """
copy (
    select * from read_json(
        $files, columns = $columns, format = 'newline_delimited', compression = 'gzip'
    )
) to '{target}' (format parquet, compression zstd, row_group_size {rows})
"""
EMPTY_PARQUET = "copy (select {columns} where false) to '{target}' (format parquet)"


def file_name(format_: Format, first: date, last: date) -> str:
    """What a download is called."""
    return f"events-{first}-{last}.{format_}"


def write_file(job: Job, keys: list[str], storage: Root, heartbeat: Heartbeat) -> tuple[str, int]:
    """Store the export's file, made of its days' files in order; its key and its bytes."""
    name = file_name(job.format, job.first_day, job.last_day)
    key = f"{job.owner}/{job.attempt}-{name}"
    download = (name, MEDIA_TYPES[job.format])
    if job.format == "parquet":
        with _scratch(job) as scratch:
            target = scratch / "file.parquet"
            _write_parquet(_local(keys, storage, scratch, heartbeat), target, scratch)
            return key, storage.write(key, heartbeat.watched(chunks_of(target)), download=download)
    text = heartbeat.watched(_text(job.format, keys, storage))
    return key, storage.write(key, text, download=download)


def _text(format_: Format, keys: Iterable[str], storage: Root) -> Iterator[bytes]:
    if format_ == "csv":
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(COLUMNS)
        yield header.getvalue().encode()
    for key in keys:
        yield from decompressed(storage.read(key))


def scratch_root() -> Path:
    """Where Parquet files are put together; nothing in it outlives its attempt."""
    return get_settings().home.absolute() / "exports_scratch"


@contextmanager
def _scratch(job: Job) -> Iterator[Path]:
    root = scratch_root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix=f"{job.owner}.{job.attempt}.", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _local(keys: list[str], storage: Root, scratch: Path, heartbeat: Heartbeat) -> list[str]:
    """The days' files on this machine: where they are, or fetched."""
    files = []
    for number, key in enumerate(keys):
        path = storage.local(key)
        if path is None:
            name = f"{number:04}.gz"
            fetched = Folder(scratch, is_private=True)
            fetched.write(name, heartbeat.watched(storage.read(key)))
            path = scratch / name
        files.append(str(path))
    return files


def _write_parquet(files: list[str], target: Path, scratch: Path) -> None:
    own = ("timestamptz", "smallint")
    types = {name: c.type if c.type in own else "varchar" for name, c in COLUMNS.items()}
    quoted = str(target).replace("'", "''")
    with duckdb.connect(config={**ENGINE, "temp_directory": str(scratch / "spilled")}) as engine:
        engine.execute("set timezone = 'UTC'")
        if files:
            query = PARQUET.format(target=quoted, rows=ROW_GROUP_ROWS)
            engine.execute(query, {"files": files, "columns": types})
        else:
            columns = ", ".join(f"null::{kind} as {name}" for name, kind in types.items())
            engine.execute(EMPTY_PARQUET.format(columns=columns, target=quoted))
