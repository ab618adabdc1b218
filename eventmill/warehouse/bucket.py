"""Files under a prefix of a bucket of any store that speaks S3, through obstore.

docs/decisions/0032 says why obstore, and what it leaves to be done here.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.fsspec import FsspecStore
from obstore.store import S3Store
from pydantic import SecretStr

from eventmill.core.errors import ConfigurationError
from eventmill.warehouse.errors import StorageError
from eventmill.warehouse.folder import CHUNK_BYTES

if TYPE_CHECKING:
    from obstore.store import ClientConfig

# A larger file is sent in parts, one at a time. S3 allows 10,000 parts: 156 GB.
PART_BYTES = 16 * 1024 * 1024
# A part may take longer than the 30 seconds that obstore gives a request by default.
CLIENT: "ClientConfig" = {
    "connect_timeout": "10s",
    "read_timeout": "2m",
    "timeout": "1d",
    "allow_http": True,
}
RETRIES = 4
SECONDS_OF_A_REQUEST = 60


class S3Access(NamedTuple):
    """How to reach a store. No endpoint is Amazon's; no keys are those of the environment."""

    endpoint: str | None
    region: str
    access_key_id: str | None
    secret_access_key: SecretStr | None


class Bucket:
    """A bucket as a root, with Folder's methods. A file is there when all of it has arrived."""

    is_local = False

    def __init__(self, url: str, access: S3Access) -> None:
        self.url = url.rstrip("/")
        self._scheme, _, place = self.url.partition("://")
        self._name, _, prefix = place.partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        self._access = access
        self._store = _shared_store(self._name, access)

    def url_of(self, key: str) -> str:
        return f"{self._scheme}://{self._name}/{self._prefix}{key}"

    def local(self, key: str) -> Path | None:
        return None

    def link(self, key: str, seconds: int) -> str | None:
        with _storage_errors(f"{key} cannot be linked to"):
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
        with _storage_errors(f"{key} cannot be written"):
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
        with _storage_errors(f"{key} cannot be read"):
            for chunk in self._store.get(self._prefix + key).stream(CHUNK_BYTES):
                yield bytes(chunk)

    def read_if_there(self, key: str) -> bytes | None:
        with _storage_errors(f"{key} cannot be read"):
            try:
                return bytes(self._store.get(self._prefix + key).bytes())
            except FileNotFoundError:
                return None

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with (
            _storage_errors(f"{key} cannot be read", (BaseError,)),
            self.file_system().open(self.url_of(key)) as file,
        ):
            yield cast(BinaryIO, file)

    def has(self, key: str) -> bool:
        with _storage_errors(f"{key} cannot be looked up"):
            try:
                self._store.head(self._prefix + key)
            except FileNotFoundError:
                return False
            return True

    def remove(self, key: str) -> None:
        with _storage_errors(f"{key} cannot be removed"), suppress(FileNotFoundError):
            self._store.delete(self._prefix + key)

    def folders(self) -> list[str]:
        with _storage_errors(f"{self.url} cannot be listed"):
            found = list(self._store.list_with_delimiter(self._prefix)["common_prefixes"])
            found += [key for key, _ in self._unfinished(self._prefix)]
        return sorted({key.removeprefix(self._prefix).split("/")[0] for key in found})

    def folders_with(self, name: str, within: str) -> list[str]:
        with _storage_errors(f"{within} cannot be listed"):
            keys = self._keys(f"{self._prefix}{within}/")
            found = [key.removeprefix(f"{self._prefix}{within}/").split("/") for key in keys]
        return [parts[0] for parts in found if parts[1:] == [name]]

    def clear(self, folder: str, keep: Collection[str] = ()) -> None:
        prefix = f"{self._prefix}{folder}/"
        kept = {self._prefix + key for key in keep}
        with _storage_errors(f"{folder} cannot be removed"):
            for key, upload in self._unfinished(prefix):
                self._request("DELETE", key, uploadId=upload)
            for key in self._keys(prefix):
                if key not in kept:
                    with suppress(FileNotFoundError):  # another process was first
                        self._store.delete(key)

    def file_system(self) -> FsspecStore:
        """The files as DuckDB reads them, without its own extension, which is a download."""
        return _FileSystem(self._scheme, self._store)

    def _keys(self, prefix: str) -> list[str]:
        return [found["path"] for batch in self._store.list(prefix) for found in batch]

    def _unfinished(self, prefix: str) -> list[tuple[str, str]]:
        """Key and id of uploads that were begun and not completed: paid for, and invisible.

        The first thousand of them. Who clears a folder with more clears it again later.
        """
        answer = self._request("GET", "", uploads="", prefix=prefix)
        # The store that has our files could do worse than answer with strange XML.
        found = ElementTree.fromstring(answer).iterfind("{*}Upload")  # noqa: S314
        return [
            (upload.findtext("{*}Key", ""), upload.findtext("{*}UploadId", "")) for upload in found
        ]

    def _request(self, method: Any, path: str, **query: str) -> str:
        """The answer to a request of S3's that obstore does not have.

        obstore signs requests for an object, without a query. So the query is made part of the
        endpoint: the path `/_` of the object then is the value of the parameter `x-id`, which
        stores ignore.
        """
        minute = timedelta(seconds=SECONDS_OF_A_REQUEST)
        bucket = obstore.sign(self._store, "GET", "_", minute).partition("/_?")[0]
        endpoint = f"{bucket}/{quote(path)}".rstrip("/") + f"?{urlencode(query)}&x-id="
        store = _store(self._name, self._access, endpoint)
        answer = httpx.request(
            method, obstore.sign(store, method, "_", minute), timeout=SECONDS_OF_A_REQUEST
        )
        is_gone = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND
        if answer.is_error and not is_gone:
            raise StorageError(f"{bucket}: {_cause(answer.text) or answer.status_code}")
        return answer.text


class _FileSystem(FsspecStore):
    """One bucket, by whatever scheme its files are named."""

    cachable = False

    def __init__(self, scheme: Any, store: S3Store) -> None:
        super().__init__(scheme)
        self._bucket = store

    def _construct_store(self, bucket: str) -> S3Store:
        return self._bucket

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path]  # the catalog names each file


@cache
def _shared_store(bucket: str, access: S3Access) -> S3Store:
    """A client, which is safe to share between threads."""
    return _store(bucket, access)


def _store(bucket: str, access: S3Access, endpoint: str | None = None) -> S3Store:
    """`endpoint` is the bucket itself, where the one of `access` is a store of many."""
    config: dict[str, Any] = {"region": access.region, "disable_bulk_delete": True}
    config |= _credentials(access)
    if endpoint or access.endpoint:
        config["endpoint"] = endpoint or access.endpoint
    # A store that is not Amazon's has seldom a host name for each bucket, nor a name with dots.
    is_host = bool(endpoint) or not (access.endpoint or "." in bucket)
    return S3Store(
        bucket,
        virtual_hosted_style_request=is_host,
        client_options=CLIENT,
        retry_config={"max_retries": RETRIES},
        **config,
    )


def _credentials(access: S3Access) -> dict[str, Any]:
    """Keys of the settings; else those of the environment or the machine's role, which obstore
    finds, and with boto3 (the extra `aws`) also those of a profile.
    """
    if access.access_key_id and access.secret_access_key:
        secret = access.secret_access_key.get_secret_value()
        return {"access_key_id": access.access_key_id, "secret_access_key": secret}
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return {}
    try:
        return {"credential_provider": Boto3CredentialProvider()}
    except ValueError:
        raise ConfigurationError("no credentials of AWS are set, and none were found") from None


@contextmanager
def _storage_errors(
    what: str, kinds: tuple[type[Exception], ...] = (BaseError, OSError, httpx.HTTPError)
) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        raise StorageError(f"{what}: {_cause(str(error))}") from error


def _cause(text: str) -> str:
    """One line of an error: what the store says, else what obstore does."""
    if found := re.search(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", text, re.DOTALL):
        return f"{found[1]}: {found[2]}"
    said, _, details = text.partition("Debug source:")
    reason = re.search(r'message: "(.+?)"', details)
    return " ".join(said.split()) + (f": {reason[1]}" if reason else "")
