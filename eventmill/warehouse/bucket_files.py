"""A bucket's files as DuckDB reads them: the parts of a file that it asks for.

DuckDB's own extension for S3 is a download at run time; this needs none, and uses the endpoint and
the keys of the settings.
"""

from datetime import datetime
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from eventmill.warehouse.bucket import access_of
from eventmill.warehouse.s3_storage import Bucket, open_bucket

# One request fetches at least so much: the footer of a file and a column of a row group, usually.
BLOCK_BYTES = 1024 * 1024


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only. Paths are those of the catalog: `s3://bucket/prefix/table/…`, or `gs://…`."""

    cachable = False

    def __init__(self, root_url: str) -> None:
        super().__init__()
        scheme, _, place = root_url.partition("://")
        self.protocol = scheme
        self._place = place.rstrip("/")
        self._bucket: Bucket = open_bucket(f"s3://{place}", access_of(root_url))

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.partition("://")[2] or path

    def key(self, path: str) -> str:
        """`bucket/prefix/table/…` → the key within the root."""
        return self._strip_protocol(path).removeprefix(f"{self._place}/")

    def info(self, path: str, **_options: Any) -> dict[str, Any]:
        size, _ = self._bucket.stat(self.key(path))
        return {"name": self._strip_protocol(path), "size": size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """DuckDB asks, to know whether what it remembers of a file still holds."""
        _, written_at = self._bucket.stat(self.key(path))
        return written_at

    def exists(self, path: str, **_: Any) -> bool:
        return self._bucket.has(self.key(path))

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path]  # the catalog names each file

    def _open(self, path: str, mode: str = "rb", **_: Any) -> AbstractBufferedFile:
        return _BucketFile(self, path, mode, block_size=BLOCK_BYTES, cache_type="readahead")

    def fetch(self, path: str, start: int, end: int) -> bytes:
        return self._bucket.read_range(self.key(path), start, end)


class _BucketFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.fetch(self.path, start, end)
        return content
