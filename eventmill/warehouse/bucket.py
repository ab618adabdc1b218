"""Files under a prefix of a bucket of any store that speaks S3, through obstore."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import obstore

from eventmill.warehouse.bucket_files import BucketFiles
from eventmill.warehouse.folder import CHUNK_BYTES
from eventmill.warehouse.s3 import (
    S3Access,
    abort_upload,
    shared_store,
    storage_errors_of_s3,
    unfinished_uploads,
)

# A larger file is sent in parts, one at a time. S3 allows 10,000 parts: 156 GB.
PART_BYTES = 16 * 1024 * 1024


class Bucket:
    """A bucket as a root, with Folder's methods. A file is there when all of it has arrived."""

    is_local = False

    def __init__(self, url: str, access: S3Access) -> None:
        self.url = url.rstrip("/")
        self._scheme, _, place = self.url.partition("://")
        self._name, _, prefix = place.partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        self._store = shared_store(self._name, access)
        self._access = access

    def url_of(self, key: str) -> str:
        return f"{self._scheme}://{self._name}/{self._prefix}{key}"

    def local(self, key: str) -> Path | None:
        return None

    def link(self, key: str, seconds: int) -> str | None:
        with storage_errors_of_s3(f"{key} cannot be linked to"):
            lifetime = timedelta(seconds=seconds)
            return obstore.sign(self._store, "GET", self._prefix + key, lifetime)

    def write(
        self, key: str, chunks: Iterable[bytes], *, download: tuple[str, str] | None = None
    ) -> int:
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                yield chunk

        attributes = {}
        if download:
            name, attributes["Content-Type"] = download
            attributes["Content-Disposition"] = f'attachment; filename="{name}"'
        source = counted()
        with storage_errors_of_s3(f"{key} cannot be written"):
            first = bytearray()
            while len(first) < PART_BYTES and (chunk := next(source, None)) is not None:
                first += chunk
            is_whole = len(first) < PART_BYTES
            content: Any = first if is_whole else chain([first], source)
            self._store.put(
                self._prefix + key,
                content,
                attributes=attributes,
                use_multipart=not is_whole,
                chunk_size=PART_BYTES,
                max_concurrency=1,
            )
        return size

    def read(self, key: str) -> Iterator[bytes]:
        with storage_errors_of_s3(f"{key} cannot be read"):
            for chunk in self._store.get(self._prefix + key).stream(CHUNK_BYTES):
                yield bytes(chunk)

    def read_if_there(self, key: str) -> bytes | None:
        with storage_errors_of_s3(f"{key} cannot be read"):
            try:
                return bytes(self._store.get(self._prefix + key).bytes())
            except FileNotFoundError:
                return None

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with self.file_system().open(self.url_of(key)) as file:
            yield file

    def has(self, key: str) -> bool:
        with storage_errors_of_s3(f"{key} cannot be looked up"):
            try:
                self._store.head(self._prefix + key)
            except FileNotFoundError:
                return False
            return True

    def remove(self, key: str) -> None:
        with storage_errors_of_s3(f"{key} cannot be removed"), suppress(FileNotFoundError):
            self._store.delete(self._prefix + key)

    def folders(self) -> list[str]:
        with storage_errors_of_s3(f"{self.url} cannot be listed"):
            found = list(self._store.list_with_delimiter(self._prefix)["common_prefixes"])
            unfinished = unfinished_uploads(self._name, self._access, self._prefix)
            found += [key for key, _ in unfinished]
        return sorted({key.removeprefix(self._prefix).split("/")[0] for key in found})

    def folders_with(self, name: str, within: str) -> list[str]:
        with storage_errors_of_s3(f"{within} cannot be listed"):
            keys = self._keys(f"{self._prefix}{within}/")
            found = [key.removeprefix(f"{self._prefix}{within}/").split("/") for key in keys]
        return [parts[0] for parts in found if parts[1:] == [name]]

    def clear(self, folder: str, keep: Collection[str] = ()) -> None:
        prefix = f"{self._prefix}{folder}/"
        kept = {self._prefix + key for key in keep}
        with storage_errors_of_s3(f"{folder} cannot be removed"):
            for key, upload in unfinished_uploads(self._name, self._access, prefix):
                abort_upload(self._name, self._access, key, upload)
            for key in self._keys(prefix):
                if key not in kept:
                    with suppress(FileNotFoundError):  # another process was first
                        self._store.delete(key)

    def file_system(self) -> BucketFiles:
        """The files as DuckDB reads them."""
        return BucketFiles(self._scheme, self._name, self._store)

    def _keys(self, prefix: str) -> list[str]:
        return [found["path"] for batch in self._store.list(prefix) for found in batch]
