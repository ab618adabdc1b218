"""Where an import sends its events: the service's code in this process, or a running service."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from eventmill.core.database import database_url
from eventmill.core.errors import ConfigurationError, FieldError
from eventmill.core.opening import open_database
from ingest_api.arrival import Arrival
from ingest_api.events import Result
from ingest_api.keys import looks_like_key
from ingest_api.metrics import Metrics
from ingest_api.runtime import runtime
from ingest_api.senders import IMPORTER
from ingest_api.visitors import SALT_BYTES, visitor_hash

Event = dict[str, Any]

RETRIES = 8
MAX_PAUSE_SECONDS = 60.0
TIMEOUT_SECONDS = 60.0


Sink = Callable[[Sequence[Event], Sequence[str]], Awaitable[list[Result]]]
"""Takes a batch of events with the addresses that they came from."""


@asynccontextmanager
async def in_process() -> AsyncIterator[Sink]:
    """Through the service's own code, without a server. Takes any past date.

    Starts the embedded server if need be. Raises ConfigurationError if the database is away.
    """
    open_database(to_store=True)
    async with runtime(database_url(), Metrics()) as running:

        async def send(events: Sequence[Event], addresses: Sequence[str]) -> list[Result]:
            # The reader of the log lets no NUL and no surrogate through.
            now = datetime.now(UTC)
            arrival = Arrival(IMPORTER, "import access-log", now, has_odd_values=False)
            return await running.service.ingest(arrival, events, addresses=addresses)

        yield send


class OverHttp:
    """To a running service, which does not know the visitors' addresses.

    So they are told apart here, by the same keyed hash, whose key exists only during this import,
    and sent as anonymous ids.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._salts: dict[str, bytes] = {}
        self._was_reached = False

    async def send(self, events: Sequence[Event], addresses: Sequence[str]) -> list[Result]:
        for event, address in zip(events, addresses, strict=True):
            day = event["occurred_at"][:10]
            salt = self._salts.setdefault(day, secrets.token_bytes(SALT_BYTES))
            event["anonymous_id"] = visitor_hash(salt, address, event["context"]["user_agent"])
        answer = await self._post(orjson.dumps({"events": events}))
        return [
            Result(
                item["event_id"],
                item["status"],
                [FieldError(e["field"], e["message"]) for e in item.get("errors", ())],
            )
            for item in answer["results"]
        ]

    async def _post(self, body: bytes) -> Any:
        """The answer's JSON; 429, 503 and broken connections are tried again, then an error."""
        problem = ""
        for attempt in range(RETRIES):
            pause = min(2.0**attempt / 2, MAX_PAUSE_SECONDS)
            try:
                answer = await self._client.post(self._url, content=body)
            except httpx.ConnectError as error:
                problem = f"no service answers at {self._url} ({error})"
                if not self._was_reached:
                    break
            except httpx.TransportError as error:
                problem = f"the connection to {self._url} broke ({type(error).__name__})"
            else:
                self._was_reached = True
                if answer.status_code in (200, 422) and "results" in answer.text:
                    return answer.json()
                problem = f"{self._url} answered {answer.status_code}: {answer.text[:200]}"
                if answer.status_code not in (429, 503):
                    break
                pause = _retry_after(answer) or pause
            await asyncio.sleep(pause)
        raise ConfigurationError(f"{problem}; import again, nothing is stored twice")


@asynccontextmanager
async def over_http(url: str, write_key: str | None) -> AsyncIterator[Sink]:
    """`url` is the service's address, with or without `/v1/events`."""
    path = "/v1/events"
    try:
        target = httpx.URL(url.rstrip("/").removesuffix(path) + path)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"--url {url!r} is no URL: {error}") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise ConfigurationError(f"--url {url!r} is no http or https URL")
    if not write_key:
        raise ConfigurationError(
            "--url needs --write-key: `eventmill keys create import --kind secret` makes one"
        )
    if not looks_like_key(write_key):
        raise ConfigurationError("--write-key is no write key: it begins with emk_")
    headers = {"X-Write-Key": write_key}
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, headers=headers) as client:
        yield OverHttp(client, str(target)).send


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), MAX_PAUSE_SECONDS) if text.isdecimal() else None
