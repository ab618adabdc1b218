"""Running the service as it runs in production, and sending to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from eventmill.core.database import connect, database_url
from ingest_api.app import create_app
from ingest_api.keys import KeyKind, create_key
from tests.support import environment, serving

DAY = "2015-05-17"
NOON = f"{DAY}T12:00:00Z"


def new_key(kind: KeyKind = "secret") -> str:
    """A write key of the settings' database."""
    with connect(database_url(), autocommit=True) as connection:
        return create_key(connection, "test", kind)


def with_key(key: str | None) -> dict[str, str]:
    """Headers of a request that brings `key`, whatever the client sends by default."""
    return {"X-Write-Key": key or ""}


@contextmanager
def served(kind: KeyKind | None = "secret") -> Iterator[httpx.Client]:
    """A client of a real server, in a thread of this process, on the settings' database.

    The client sends a new key of this kind with every request, or none.
    """
    headers = {} if kind is None else with_key(new_key(kind))
    with environment(EVENTMILL_TRUSTED_PROXIES="1"):  # tests say where they come from
        app = create_app()
    with (
        serving(app) as url,
        httpx.Client(base_url=url, timeout=60, headers=headers) as client,
    ):
        yield client


def is_settled(readiness: dict[str, Any]) -> bool:
    """Whether /readyz says that the database takes events and none wait in the spool."""
    return readiness.get("status") == "ready" and "spool" not in readiness


def event(**fields: Any) -> dict[str, Any]:
    """A valid event with these fields."""
    return {"event_type": "page_viewed", "occurred_at": NOON, "anonymous_id": "visitor-1", **fields}


def send(api: httpx.Client, *events: Any, status: int = 200, **batch: Any) -> dict[str, Any]:
    """Post a batch and return the answer, whose status is checked."""
    # json.dumps escapes what is not ASCII, lone surrogates included.
    answer = api.post("/v1/events", content=json.dumps({"events": list(events), **batch}))
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def statuses(answer: dict[str, Any]) -> list[str]:
    return [result["status"] for result in answer["results"]]


def wrong_fields(result: dict[str, Any]) -> list[str]:
    return [error["field"] for error in result["errors"]]
