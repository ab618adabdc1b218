"""Where files are kept: a local folder, or a bucket of any S3-compatible store.

A key is `<owner>/<name>`: all files of one owner are listed and removed together. Everything here
blocks; use it from a thread.
"""

import errno
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from eventmill.core.errors import EventmillError

CHUNK_BYTES = 1024 * 1024
S3_SCHEME = "s3://"


class StorageError(EventmillError):
    """The storage did not take, or does not give, a file: full, away, not permitted, not there."""


class Storage(Protocol):
    """What a storage can do. Each method raises StorageError when it cannot."""

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store a file, whole or not at all, holding one chunk at a time; its size in bytes.

        What `chunks` raises is passed on.
        """

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of a file, a chunk at a time."""

    def has(self, key: str) -> bool: ...

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""

    def owners(self) -> list[str]:
        """Everybody who has a file here, unfinished ones included."""

    def clear(self, owner: str, keep: Collection[str] = ()) -> None:
        """Remove the owner's files, unfinished ones included, except those of the keys `keep`."""

    def path(self, key: str) -> Path | None:
        """The file itself, if it is on this machine."""

    def url(self, key: str, name: str, media_type: str, seconds: int) -> str | None:
        """A link that serves the file as a download called `name`, if the storage serves files."""


class Folder:
    """Files in a folder. A file appears under its name when it is complete and on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        final = self.root / key
        unfinished = final.with_name(f"{final.name}.unfinished")
        try:
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    size = file.tell()
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(final)
                _sync_folder(final.parent)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _failed("written", key, error) from error
        return size

    def read(self, key: str) -> Iterator[bytes]:
        try:
            with (self.root / key).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise _failed("read", key, error) from error

    def has(self, key: str) -> bool:
        return (self.root / key).is_file()

    def remove(self, key: str) -> None:
        try:
            (self.root / key).unlink(missing_ok=True)
        except OSError as error:
            raise _failed("removed", key, error) from error

    def owners(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _failed("listed", str(self.root), error) from error

    def clear(self, owner: str, keep: Collection[str] = ()) -> None:
        folder = self.root / owner
        kept = {self.root / key for key in keep}
        try:
            for file in list(folder.iterdir()):
                if file not in kept:
                    file.unlink(missing_ok=True)
            if not any(file.exists() for file in kept):
                folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno == errno.ENOTEMPTY:  # somebody writes there now
                return
            raise _failed("removed", owner, error) from error

    def path(self, key: str) -> Path | None:
        return self.root / key

    def url(self, key: str, name: str, media_type: str, seconds: int) -> str | None:
        return None


def _failed(done: str, key: str, error: OSError) -> StorageError:
    return StorageError(f"{key} cannot be {done}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
