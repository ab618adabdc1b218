"""A root or a storage by its URL: a folder, or a bucket."""

from pathlib import Path

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings
from eventmill.warehouse.object_storage import S3_SCHEME, Folder, Storage
from eventmill.warehouse.root import GOOGLE_SCHEME, FolderRoot, Root


def open_storage(url: str) -> Storage:
    """The storage that `url` names: an absolute folder, or `s3://bucket/prefix`."""
    if url.startswith(S3_SCHEME):
        # The AWS library is large: only for who uses it.
        from eventmill.warehouse.s3_storage import open_bucket

        return open_bucket(url)
    return Folder(Path(url))


def open_root(url: str | None = None) -> Root:
    """The root that `url` names, by default that of the settings. Raises ConfigurationError."""
    url = url or get_settings().warehouse_location
    if url.startswith((S3_SCHEME, GOOGLE_SCHEME)):
        # The AWS library is large: only for who uses it.
        from eventmill.warehouse.bucket import BucketRoot

        return BucketRoot(url)
    path = Path(url)
    if not path.is_absolute():
        raise ConfigurationError(
            f"{url!r} is no place for the warehouse: use an absolute folder, s3://bucket/prefix or"
            " gs://bucket/prefix"
        )
    return FolderRoot(path)
