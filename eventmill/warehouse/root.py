"""Where the warehouse's files are: a folder, or a bucket of an S3-compatible store or of Google's.

A day is published by its manifest. In a folder manifest and files appear together, because the
folder of the day is written beside and takes the place of the former one in one step: so a plain
`date=*/*.parquet` shows whole days too. In a bucket the manifest is written last.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Protocol

from eventmill.warehouse.object_storage import StorageError
from eventmill.warehouse.swapping import exchange

MANIFEST = "manifest.json"
SCHEMA = "schema.json"
DAY_FOLDER = "date="
GOOGLE_SCHEME = "gs://"
# Hidden, as no reader looks for these.
NEW = ".new-"
OLD = ".old-"


class Root(Protocol):
    """What both can do. Each method raises StorageError when it cannot."""

    url: str
    """What leads to the root: an absolute path, or s3://… or gs://…"""
    is_local: bool

    def days(self, table: str) -> list[date]:
        """Days that have a manifest, in order."""

    def read_manifest(self, table: str, day: date) -> bytes | None: ...

    def url_of(self, table: str, day: date, name: str) -> str: ...

    def read_schema(self, table: str) -> bytes | None:
        """The table's schema and its version, as it was exported last."""

    def write_schema(self, table: str, content: bytes) -> None: ...

    def put(self, table: str, name: str, file: Path) -> None:
        """Copy a file of a table without days to the place of the former one, in one step."""

    def begin(self, table: str, day: date, build: str) -> Path:
        """A folder to write the day's files into. Removes what a killed export left of the table.

        Whoever writes holds the lock of all exports.
        """

    def take(self, table: str, day: date, build: str, name: str) -> None:
        """A file of the folder is complete."""

    def publish(self, table: str, day: date, build: str, manifest: bytes, names: list[str]) -> None:
        """Put the files in place of those that the day had."""

    def abandon(self, table: str, day: date, build: str) -> None:
        """Remove what was written since `begin`."""


class FolderRoot:
    """Files in a folder of this machine."""

    is_local = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)

    def days(self, table: str) -> list[date]:
        try:
            found = [entry.parent.name for entry in self._table(table).glob(f"date=*/{MANIFEST}")]
        except OSError as error:
            raise failed("listed", table, error) from error
        return days_named(found)

    def read_manifest(self, table: str, day: date) -> bytes | None:
        return self._read(self._day(table, day) / MANIFEST)

    def url_of(self, table: str, day: date, name: str) -> str:
        return str(self._day(table, day) / name)

    def read_schema(self, table: str) -> bytes | None:
        return self._read(self._table(table) / SCHEMA)

    def write_schema(self, table: str, content: bytes) -> None:
        target = self._table(table) / SCHEMA
        unfinished = target.with_name(f".{SCHEMA}.tmp")
        try:
            write_durably(unfinished, content)
            unfinished.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise failed("written", str(target), error) from error

    def put(self, table: str, name: str, file: Path) -> None:
        target = self._table(table) / name
        unfinished = target.with_name(f".{name}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, unfinished)
            with unfinished.open("rb") as copied:
                os.fsync(copied.fileno())
            unfinished.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise failed("written", str(target), error) from error

    def begin(self, table: str, day: date, build: str) -> Path:
        folder = self._table(table)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._sweep(folder)
            new = folder / f"{NEW}{build}"
            new.mkdir()
        except OSError as error:
            raise failed("written", table, error) from error
        return new

    def take(self, table: str, day: date, build: str, name: str) -> None:
        try:
            with (self._table(table) / f"{NEW}{build}" / name).open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise failed("written", name, error) from error

    def publish(self, table: str, day: date, build: str, manifest: bytes, names: list[str]) -> None:
        new, current = self._table(table) / f"{NEW}{build}", self._day(table, day)
        try:
            write_durably(new / MANIFEST, manifest)
            sync_folder(new)
            if not current.exists():
                new.rename(current)
            elif exchange(new, current):
                shutil.rmtree(new)  # now it holds the former files
            else:
                former = current.with_name(f"{OLD}{current.name}")
                current.rename(former)
                new.rename(current)
                shutil.rmtree(former)
            sync_folder(current.parent)
        except OSError as error:
            raise failed("published", f"{table} of {day}", error) from error

    def abandon(self, table: str, day: date, build: str) -> None:
        shutil.rmtree(self._table(table) / f"{NEW}{build}", ignore_errors=True)

    def _sweep(self, folder: Path) -> None:
        for left in folder.glob(f"{OLD}*"):
            current = folder / left.name.removeprefix(OLD)
            if current.exists():
                shutil.rmtree(left)
            else:  # killed between the two steps of a file system that cannot do both in one
                left.rename(current)
        for left in folder.glob(f"{NEW}*"):
            shutil.rmtree(left)

    def _read(self, file: Path) -> bytes | None:
        try:
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise failed("read", str(file), error) from error

    def _table(self, table: str) -> Path:
        return self.path / table

    def _day(self, table: str, day: date) -> Path:
        return self._table(table) / f"{DAY_FOLDER}{day}"


def days_named(folders: list[str]) -> list[date]:
    """`date=2026-03-01` → 2026-03-01; what names no day is none of ours."""
    return sorted(filter(None, map(_day_of, set(folders))))


def _day_of(folder: str) -> date | None:
    try:
        return date.fromisoformat(folder.removeprefix(DAY_FOLDER))
    except ValueError:
        return None


def failed(done: str, what: str, error: OSError) -> StorageError:
    return StorageError(f"{what} cannot be {done}: {error.strerror or error}")


def write_durably(file: Path, content: bytes) -> None:
    """The bytes are on the disk when this returns."""
    with file.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


def sync_folder(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def chunks_of(file: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file, `size` at a time."""
    with file.open("rb") as handle:
        while chunk := handle.read(size):
            yield chunk
