"""A bucket's files as DuckDB and pyarrow read them: the parts of a file that they ask for.

DuckDB's own extension for S3 is a download at run time. Otherwise DuckDB accepts only file systems
of fsspec. obstore's fsspec files return fewer bytes than requested, so these are our own.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from obstore.exceptions import BaseError

from eventmill.warehouse.s3 import storage_errors_of_s3

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

# One request fetches at least so much: the footer of a file and a column of a row group, usually.
BLOCK_BYTES = 1024 * 1024


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only. Paths are `s3://bucket/prefix/table/…`, or `gs://…`.

    Raises FileNotFoundError for a file that is not there, and StorageError.
    """

    cachable = False

    def __init__(self, scheme: str, bucket: str, store: "S3Store") -> None:
        super().__init__()
        self.protocol = scheme
        self._bucket = bucket
        self._store = store

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.partition("://")[2] or path

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        return {
            "name": self._strip_protocol(path),
            "size": self._head(path)["size"],
            "type": "file",
        }

    def modified(self, path: str) -> datetime:
        """DuckDB asks, to know whether what it remembers of a file still holds."""
        return self._head(path)["last_modified"]

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path]  # the catalog names each file

    def read_range(self, path: str, start: int, end: int) -> bytes:
        with storage_errors_of_s3(f"{path} cannot be read"):
            return bytes(self._store.get_range(self._key(path), start=start, end=end))

    def _open(self, path: str, mode: str = "rb", **_: Any) -> AbstractBufferedFile:
        return _BucketFile(self, path, mode, block_size=BLOCK_BYTES, cache_type="readahead")

    def _head(self, path: str) -> "ObjectMeta":
        with storage_errors_of_s3(f"{path} cannot be looked up", (BaseError,)):
            try:
                return self._store.head(self._key(path))
            except FileNotFoundError:
                raise FileNotFoundError(f"{path} is not there") from None

    def _key(self, path: str) -> str:
        return self._strip_protocol(path).removeprefix(f"{self._bucket}/")


class _BucketFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.read_range(self.path, start, end)
        return content
