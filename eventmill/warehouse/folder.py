"""Files in a folder of this machine. A file gets its name when it is complete and on the disk.

Plain system calls and no library: obstore's folders do not wait for the disk (fsync), and cannot
exchange two folders.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from eventmill.warehouse.errors import storage_errors

CHUNK_BYTES = 1024 * 1024


class Folder:
    """What a root can do; Bucket has the same methods. All but `open` raise only StorageError."""

    is_local = True

    def __init__(self, path: Path, *, is_private: bool = False) -> None:
        """`is_private` keeps files from other users of the machine, whatever its umask says."""
        self.path = path
        self.url = str(path)
        self._is_private = is_private

    def url_of(self, key: str) -> str:
        """Where the file is: an absolute path, s3://… or gs://…"""
        return str(self.path / key)

    def local(self, key: str) -> Path | None:
        """The file itself, if it is on this machine."""
        return self.path / key

    def link(self, key: str, seconds: int) -> str | None:
        """A URL that serves the file to whoever has it, if the root serves files itself."""
        return None

    def write(
        self, key: str, chunks: Iterable[bytes], *, download: tuple[str, str] | None = None
    ) -> int:
        """Store a file, whole or not at all, holding one chunk at a time; its size in bytes.

        `download` is the name and the media type with which a link serves it. What `chunks` raises
        is passed on.
        """
        final = self.path / key
        unfinished = final.with_name(f".{final.name}.unfinished")
        with storage_errors(f"{key} cannot be written"):
            private = self._is_private
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
            try:
                size = write_durably(unfinished, chunks, mode=0o600 if private else 0o666)
                unfinished.replace(final)
                sync(final.parent)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
        return size

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of a file, a chunk at a time."""
        with storage_errors(f"{key} cannot be read"):
            yield from chunks_of(self.path / key)

    def read_if_there(self, key: str) -> bytes | None:
        """All of a small file; None if there is none."""
        with storage_errors(f"{key} cannot be read"):
            try:
                return (self.path / key).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """A file to read any part of. Raises FileNotFoundError if there is none."""
        with (self.path / key).open("rb") as file:
            yield file

    def has(self, key: str) -> bool:
        return (self.path / key).is_file()

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        with storage_errors(f"{key} cannot be removed"):
            (self.path / key).unlink(missing_ok=True)

    def folders(self) -> list[str]:
        """The folders that have a file, unfinished ones included, in order."""
        with storage_errors(f"{self.url} cannot be listed"):
            try:
                return sorted(entry.name for entry in self.path.iterdir() if entry.is_dir())
            except FileNotFoundError:
                return []

    def folders_with(self, name: str, within: str) -> list[str]:
        """The folders in the folder `within` that have a file `name`."""
        with storage_errors(f"{within} cannot be listed"):
            return [file.parent.name for file in (self.path / within).glob(f"*/{name}")]

    def clear(self, folder: str, keep: Collection[str] = ()) -> None:
        """Remove the folder's files, unfinished ones included, except those of the keys `keep`."""
        place = self.path / folder
        kept = {self.path / key for key in keep}
        with storage_errors(f"{folder} cannot be removed"):
            with suppress(FileNotFoundError):
                for file in list(place.iterdir()):
                    if file not in kept:
                        file.unlink(missing_ok=True)
            with suppress(OSError):  # it is not there, or not empty
                place.rmdir()


def write_durably(file: Path, chunks: Iterable[bytes], mode: int = 0o666) -> int:
    """Write a new file; its bytes are on the disk when this returns. Their number."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as handle:
        for chunk in chunks:
            handle.write(chunk)
        size = handle.tell()
        handle.flush()
        os.fsync(handle.fileno())
    return size


def sync(path: Path) -> None:
    """Wait for the disk. A rename is on it only when its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def chunks_of(file: Path) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            yield chunk
