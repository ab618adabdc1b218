"""Files in a bucket of any S3-compatible store, through the AWS SDK."""

import io
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from eventmill.core.settings import get_settings
from eventmill.warehouse.object_storage import CHUNK_BYTES, S3_SCHEME, StorageError

# A file is sent in parts, one at a time, each of which is held in memory. S3 allows 10,000 parts:
# 156 GB.
PART_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS = 10
READ_SECONDS = 60
ATTEMPTS = 5


class Bucket:
    """Files under a prefix of a bucket. S3 shows a file when its last part has arrived."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        source = _Source(chunks)
        with _translated(f"{key} cannot be written"):
            self._client.upload_fileobj(
                # upload_fileobj takes a short read for a short part, which S3 refuses.
                io.BufferedReader(source, CHUNK_BYTES),
                self._bucket,
                self._prefix + key,
                Config=TransferConfig(
                    multipart_threshold=PART_BYTES,
                    multipart_chunksize=PART_BYTES,
                    use_threads=False,
                ),
            )
        return source.bytes

    def read(self, key: str) -> Iterator[bytes]:
        with _translated(f"{key} cannot be read"):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            yield from answer["Body"].iter_chunks(CHUNK_BYTES)

    def read_if_there(self, key: str) -> bytes | None:
        """All of a small file, or None if there is none."""
        with _translated(f"{key} cannot be read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if _is_missing(error):
                    return None
                raise
            content: bytes = answer["Body"].read()
            return content

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes of a file from `start` up to, not including, `end`."""
        with _translated(f"{key} cannot be read"):
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + key, Range=f"bytes={start}-{end - 1}"
            )
            content: bytes = answer["Body"].read()
            return content

    def stat(self, key: str) -> tuple[int, datetime]:
        """Bytes of a file, and when it was written."""
        with _translated(f"{key} cannot be looked up"):
            answer = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            return int(answer["ContentLength"]), answer["LastModified"]

    def has(self, key: str) -> bool:
        with _translated(f"{key} cannot be looked up"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if _is_missing(error):
                    return False
                raise
            return True

    def remove(self, key: str) -> None:
        with _translated(f"{key} cannot be removed"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def owners(self) -> list[str]:
        with _translated("the bucket cannot be listed"):
            keys = [*self._keys(self._prefix), *(key for key, _ in self._uploads(self._prefix))]
        return sorted({key.removeprefix(self._prefix).split("/")[0] for key in keys})

    def clear(self, owner: str, keep: Collection[str] = ()) -> None:
        kept = {self._prefix + key for key in keep}
        prefix = f"{self._prefix}{owner}/"
        with _translated(f"{owner} cannot be removed"):
            for key, upload in list(self._uploads(prefix)):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
            # One by one: the call for many needs a checksum that not every store understands.
            for key in list(self._keys(prefix)):
                if key not in kept:
                    self._client.delete_object(Bucket=self._bucket, Key=key)

    def path(self, key: str) -> Path | None:
        return None

    def url(self, key: str, name: str, media_type: str, seconds: int) -> str | None:
        with _translated(f"{key} cannot be linked to"):
            url: str = self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": self._prefix + key,
                    "ResponseContentDisposition": f'attachment; filename="{name}"',
                    "ResponseContentType": media_type,
                },
                ExpiresIn=seconds,
            )
        return url

    def keys(self, owner: str) -> list[str]:
        """Keys of all finished files of an owner."""
        with _translated(f"{owner} cannot be listed"):
            found = list(self._keys(f"{self._prefix}{owner}/"))
        return [key.removeprefix(self._prefix) for key in found]

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (entry["Key"] for entry in page.get("Contents", ()))

    def _uploads(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Key and id of each upload that was begun and is not complete: paid for, and invisible."""
        pages = self._client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            yield from ((entry["Key"], entry["UploadId"]) for entry in page.get("Uploads", ()))


class _Source(io.RawIOBase):
    """Chunks as a file that can be read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        self.bytes += size
        return size


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error, OSError) as error:
        raise StorageError(f"{what}: {error}") from error


def _is_missing(error: ClientError) -> bool:
    return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 404)


class S3Access(NamedTuple):
    """How to reach a store. Without endpoint it is Amazon's; without keys what the SDK finds."""

    endpoint: str | None
    region: str
    access_key_id: str | None
    secret_access_key: str | None


def open_bucket(url: str, access: S3Access | None = None) -> Bucket:
    """The bucket of `s3://bucket/prefix`, by default reached by the settings of exports."""
    bucket, _, prefix = url.removeprefix(S3_SCHEME).partition("/")
    return Bucket(_client(access or _access_of_exports()), bucket, prefix.strip("/"))


def _access_of_exports() -> S3Access:
    settings = get_settings()
    secret = settings.exports_s3_secret_access_key
    return S3Access(
        settings.exports_s3_endpoint,
        settings.exports_s3_region,
        settings.exports_s3_access_key_id,
        secret.get_secret_value() if secret else None,
    )


@cache
def _client(access: S3Access) -> Any:
    """A client, which is safe to share between threads; made once."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=access.endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        config=Config(
            signature_version="s3v4",
            # A store that is not Amazon's has seldom a host name for each bucket.
            s3={"addressing_style": "path" if access.endpoint else "auto"},
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            # Amazon's newer checksums are unknown to older stores.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
