"""Where files are kept: a folder, or a bucket of Amazon, of Google or of an S3-compatible store.

The warehouse's files and the dashboards' exports are kept the same way. A key is the path of a file
within its root, such as `events/schema.json`. Everything here blocks: use it from a thread.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings
from eventmill.warehouse.folder import Folder

if TYPE_CHECKING:
    from eventmill.warehouse.bucket import Bucket

Root: TypeAlias = "Folder | Bucket"

S3_SCHEME = "s3://"
GOOGLE_SCHEME = "gs://"
# Google's buckets speak S3 too, with HMAC keys: https://cloud.google.com/storage/docs/interoperability
GOOGLE_ENDPOINT = "https://storage.googleapis.com"


def open_root(url: str | None = None, of: Literal["warehouse", "exports"] = "warehouse") -> Root:
    """The root that `url` names, by default that of the settings of `of`, which also has the keys.

    Nothing is connected to. Raises ConfigurationError for what is neither an absolute folder nor
    the URL of a bucket, and for a bucket of Google's without keys.
    """
    settings = get_settings()
    url = url or getattr(settings, f"{of}_location")
    if url.startswith((S3_SCHEME, GOOGLE_SCHEME)):
        # Only who has a bucket waits for its library.
        from eventmill.warehouse.bucket import Bucket
        from eventmill.warehouse.s3 import S3Access

        access = S3Access(*(getattr(settings, f"{of}_s3_{name}") for name in S3Access._fields))
        if url.startswith(GOOGLE_SCHEME):
            if not (access.access_key_id and access.secret_access_key):
                variable = f"EVENTMILL_{of.upper()}_S3"
                raise ConfigurationError(
                    f"{url} needs HMAC keys of Google Cloud Storage: set"
                    f" {variable}_ACCESS_KEY_ID and {variable}_SECRET_ACCESS_KEY"
                )
            access = access._replace(endpoint=access.endpoint or GOOGLE_ENDPOINT)
        return Bucket(url, access)
    path = Path(url)
    if not path.is_absolute():
        raise ConfigurationError(
            f"{url!r} is no place for files: use an absolute folder, s3://bucket/prefix or"
            " gs://bucket/prefix"
        )
    return Folder(path, is_private=of == "exports")
