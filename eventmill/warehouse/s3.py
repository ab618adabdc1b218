"""The client of a store that speaks S3: obstore's client, and what it does not do itself.

docs/decisions/0032 says why obstore.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr

from eventmill.core.errors import ConfigurationError
from eventmill.warehouse.errors import StorageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig

# A large file may take longer than the 30 seconds that obstore gives a request by default.
CLIENT: "ClientConfig" = {
    "connect_timeout": "10s",
    "read_timeout": "2m",
    "timeout": "1d",
    "allow_http": True,
}
RETRIES = 4
MINUTE = timedelta(minutes=1)


class S3Access(NamedTuple):
    """How to reach a store. No endpoint is Amazon's; no keys are those of the environment."""

    endpoint: str | None
    region: str
    access_key_id: str | None
    secret_access_key: SecretStr | None


@cache
def shared_store(bucket: str, access: S3Access) -> S3Store:
    """A client of the bucket, which is safe to share between threads."""
    # A store that is not Amazon's has seldom a host name for each bucket, nor a name with dots.
    is_host = not (access.endpoint or "." in bucket)
    endpoint = {"endpoint": access.endpoint} if access.endpoint else {}
    return _store(bucket, access, virtual_hosted_style_request=is_host, **endpoint)


def _store(bucket: str, access: S3Access, **config: Any) -> S3Store:
    return S3Store(
        bucket,
        region=access.region,
        disable_bulk_delete=True,  # it needs a checksum that not every store understands
        client_options=CLIENT,
        retry_config={"max_retries": RETRIES},
        **_credentials(access),
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


def unfinished_uploads(bucket: str, access: S3Access, prefix: str) -> list[tuple[str, str]]:
    """Key and id of uploads that were begun and not completed: paid for, and invisible.

    The first thousand of those whose keys begin with `prefix`. Raises as `_request`.
    """
    answer = _request("GET", bucket, access, "", uploads="", prefix=prefix)
    # The store that has our files could do worse than answer with strange XML.
    found = ElementTree.fromstring(answer).iterfind("{*}Upload")  # noqa: S314
    return [(one.findtext("{*}Key", ""), one.findtext("{*}UploadId", "")) for one in found]


def abort_upload(bucket: str, access: S3Access, key: str, upload: str) -> None:
    """Remove what has arrived of a file. Raises as `_request`."""
    _request("DELETE", bucket, access, f"/{quote(key)}", uploadId=upload)


def _request(method: Any, bucket: str, access: S3Access, path: str, **query: str) -> str:
    """The answer to a request that obstore cannot make, and signs with the credentials it found.

    obstore signs requests for an object, without a query. So the query is made part of the
    endpoint: the path `/_` of an object is then the value of the parameter `x-id`, which stores
    ignore. Raises OSError with what the store says, and httpx.HTTPError.
    """
    url = obstore.sign(shared_store(bucket, access), method, "_", MINUTE).partition("/_?")[0]
    endpoint = f"{url}{path}?{urlencode(query)}&x-id="
    store = _store(bucket, access, endpoint=endpoint, virtual_hosted_style_request=True)
    answer = _http().request(method, obstore.sign(store, method, "_", MINUTE))
    is_gone = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND
    if answer.is_error and not is_gone:
        raise OSError(_cause(answer.text) or f"the store answers {answer.status_code}")
    return answer.text


@cache
def _http() -> httpx.Client:
    return httpx.Client(timeout=MINUTE.total_seconds(), transport=httpx.HTTPTransport(retries=2))


@contextmanager
def storage_errors_of_s3(
    what: str, kinds: tuple[type[Exception], ...] = (BaseError, OSError, httpx.HTTPError)
) -> Iterator[None]:
    """Raise what obstore raises as StorageError. `what` says what failed."""
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
