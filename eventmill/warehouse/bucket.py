"""The warehouse in a bucket: of any S3-compatible store, or of Google Cloud Storage.

Google's buckets speak S3 too, with HMAC keys (https://cloud.google.com/storage/docs/interoperability),
so no other client is needed for them.
"""

import shutil
from datetime import date
from pathlib import Path

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings
from eventmill.warehouse.object_storage import CHUNK_BYTES
from eventmill.warehouse.root import (
    DAY_FOLDER,
    GOOGLE_SCHEME,
    MANIFEST,
    SCHEMA,
    chunks_of,
    days_named,
    failed,
)
from eventmill.warehouse.s3_storage import S3Access, open_bucket

GOOGLE_ENDPOINT = "https://storage.googleapis.com"


class BucketRoot:
    """Files under a prefix of a bucket; each is sent as soon as it is complete."""

    is_local = False

    def __init__(self, url: str) -> None:
        """Raises ConfigurationError for a bucket of Google's without keys."""
        self.url = url.rstrip("/")
        self._bucket = open_bucket("s3://" + self.url.partition("://")[2], access_of(url))

    def days(self, table: str) -> list[date]:
        found = [key.split("/") for key in self._bucket.keys(table)]
        return days_named([parts[1] for parts in found if len(parts) == 3 and parts[2] == MANIFEST])

    def read_manifest(self, table: str, day: date) -> bytes | None:
        return self._bucket.read_if_there(self._key(table, day, MANIFEST))

    def url_of(self, table: str, day: date, name: str) -> str:
        return f"{self.url}/{self._key(table, day, name)}"

    def read_schema(self, table: str) -> bytes | None:
        return self._bucket.read_if_there(f"{table}/{SCHEMA}")

    def write_schema(self, table: str, content: bytes) -> None:
        self._bucket.write(f"{table}/{SCHEMA}", [content])

    def put(self, table: str, name: str, file: Path) -> None:
        self._bucket.write(f"{table}/{name}", chunks_of(file, CHUNK_BYTES))

    def begin(self, table: str, day: date, build: str) -> Path:
        folder = _scratch()
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise failed("written", str(folder), error) from error
        # What a killed export has sent of this day, uploads without an end included.
        self._clear(table, day, self.read_manifest(table, day))
        return folder

    def take(self, table: str, day: date, build: str, name: str) -> None:
        file = _scratch() / name
        self._bucket.write(self._key(table, day, name), chunks_of(file, CHUNK_BYTES))
        file.unlink()

    def publish(self, table: str, day: date, build: str, manifest: bytes, names: list[str]) -> None:
        self._bucket.write(self._key(table, day, MANIFEST), [manifest])
        self._clear(table, day, manifest)
        shutil.rmtree(_scratch(), ignore_errors=True)

    def abandon(self, table: str, day: date, build: str) -> None:
        shutil.rmtree(_scratch(), ignore_errors=True)
        self._clear(table, day, self.read_manifest(table, day))

    def _clear(self, table: str, day: date, manifest: bytes | None) -> None:
        """Remove what `manifest` does not name."""
        names = [MANIFEST, *names_in(manifest)] if manifest else []
        self._bucket.clear(
            f"{table}/{DAY_FOLDER}{day}", keep=[self._key(table, day, name) for name in names]
        )

    def _key(self, table: str, day: date, name: str) -> str:
        return f"{table}/{DAY_FOLDER}{day}/{name}"


def names_in(manifest: bytes) -> list[str]:
    """The files that a manifest names."""
    from eventmill.warehouse.manifest import Manifest

    return [file.name for file in Manifest.from_json(manifest).files]


def access_of(url: str) -> S3Access:
    """How to reach the bucket, by the settings of the warehouse."""
    settings = get_settings()
    secret = settings.warehouse_s3_secret_access_key
    access = S3Access(
        settings.warehouse_s3_endpoint,
        settings.warehouse_s3_region,
        settings.warehouse_s3_access_key_id,
        secret.get_secret_value() if secret else None,
    )
    if not url.startswith(GOOGLE_SCHEME):
        return access
    if not (access.access_key_id and access.secret_access_key):
        raise ConfigurationError(
            f"{url} needs HMAC keys of Google Cloud Storage: set"
            " EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID and EVENTMILL_WAREHOUSE_S3_SECRET_ACCESS_KEY"
        )
    return access._replace(endpoint=access.endpoint or GOOGLE_ENDPOINT)


def _scratch() -> Path:
    """Files until they are sent. One export runs at a time, so there is one such folder."""
    return get_settings().home.absolute() / "warehouse_scratch"
