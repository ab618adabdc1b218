"""Replaces a day of a table by a new version: all of it at once, or nothing.

The manifest publishes a day. In a folder, manifest and files appear together: the day is written
into another folder, which is exchanged with the former one in one step. So a plain
`date=*/*.parquet` shows whole days too. In a bucket the manifest is written last.
"""

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from eventmill.core.settings import get_settings
from eventmill.warehouse.errors import storage_errors
from eventmill.warehouse.folder import Folder, chunks_of, sync, write_durably
from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.reading import MANIFEST, folder_of, read_day
from eventmill.warehouse.storage import Root

if TYPE_CHECKING:
    from eventmill.warehouse.bucket import Bucket

# Hidden, as no reader looks for these.
NEW = ".new-"
OLD = ".old-"
# Of Linux (include/uapi/linux/fs.h) and macOS (sys/stdio.h); neither is in Python's os.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


@contextmanager
def unpublished_day(
    root: Root, table: str, day: date, build: str
) -> "Iterator[DayInFolder | DayInBucket]":
    """A day to add files to and then publish; whatever is not published in the end is removed.

    So is what a killed export left of the table (in a bucket: of the day). Whoever writes holds
    the lock of all exports. Raises StorageError.
    """
    with storage_errors(f"{table} of {day} cannot be written"):
        new = (
            DayInFolder(root, table, day, build)
            if isinstance(root, Folder)
            else DayInBucket(root, table, day)
        )
        try:
            yield new
        except BaseException:
            new.abandon()
            raise


class DayInFolder:
    """Files are written into a hidden folder beside the day's own."""

    def __init__(self, root: Folder, table: str, day: date, build: str) -> None:
        self._table = root.path / table
        self._day = root.path / folder_of(table, day)
        self._table.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers()
        self.folder = self._table / f"{NEW}{build}"
        """Where the files of the day are to be written."""
        self.folder.mkdir()

    def add(self, name: str) -> None:
        """A file in `folder` is complete."""
        sync(self.folder / name)

    def publish(self, manifest: Manifest) -> None:
        """Put the files in place of those that the day had."""
        write_durably(self.folder / MANIFEST, [manifest.to_json()])
        sync(self.folder)
        if not self._day.exists():
            self.folder.rename(self._day)
        elif exchange(self.folder, self._day):
            shutil.rmtree(self.folder)  # now it holds the former files
        else:
            former = self._table / f"{OLD}{self._day.name}"
            self._day.rename(former)
            self.folder.rename(self._day)
            shutil.rmtree(former)
        sync(self._table)

    def abandon(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_leftovers(self) -> None:
        for former in self._table.glob(f"{OLD}*"):
            current = self._table / former.name.removeprefix(OLD)
            if current.exists():
                shutil.rmtree(former)
            else:  # killed between the two steps of a file system that cannot exchange folders
                former.rename(current)
        for new in self._table.glob(f"{NEW}*"):
            shutil.rmtree(new)


class DayInBucket:
    """Each file is sent as soon as it is complete. Readers do not know of it without a manifest."""

    def __init__(self, root: "Bucket", table: str, day: date) -> None:
        self._root, self._table, self._date = root, table, day
        self._day = folder_of(table, day)
        # One export runs at a time, so there is one such folder.
        self.folder = get_settings().home.absolute() / "warehouse_scratch"
        self.abandon()
        self.folder.mkdir(parents=True, mode=0o700)

    def add(self, name: str) -> None:
        self._root.write(f"{self._day}/{name}", chunks_of(self.folder / name))
        (self.folder / name).unlink()

    def publish(self, manifest: Manifest) -> None:
        self._root.write(f"{self._day}/{MANIFEST}", [manifest.to_json()])
        self._clear(manifest)
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        exported = read_day(self._root, self._table, self._date)
        self._clear(exported.manifest if exported else None)

    def _clear(self, manifest: Manifest | None) -> None:
        """Remove all of the day that `manifest` does not name, uploads without an end included."""
        names = [MANIFEST, *(file.name for file in manifest.files)] if manifest else []
        self._root.clear(self._day, keep=[f"{self._day}/{name}" for name in names])


def exchange(first: Path, second: Path) -> bool:
    """Let two folders of one file system change names, atomically; both are there.

    False, and nothing is done, where the system or the file system cannot (NFS). Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = os.fsencode(first), os.fsencode(second)
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, here, _AT_FDCWD, there, _RENAME_EXCHANGE)
    elif hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(here, there, _RENAME_SWAP)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))
