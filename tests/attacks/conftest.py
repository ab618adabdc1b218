"""A running ingest service, a server that sends to it, and a stranger with the public key."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.ingest_api.conftest import api, shared_api, shared_connection
from tests.ingest_api.support import new_key, with_key

__all__ = ["api", "shared_api", "shared_connection"]

Sends = Callable[..., dict[str, Any]]


def sender(api: httpx.Client, headers: dict[str, str]) -> Sends:
    """Who sends events with these headers, and gets the answer."""

    def sends(*events: dict[str, Any]) -> dict[str, Any]:
        answer = api.post("/v1/events", json={"events": list(events)}, headers=headers)
        assert answer.status_code in (200, 403, 422), answer.text
        body: dict[str, Any] = answer.json()
        return body

    return sends


@pytest.fixture(scope="module")
def our_server(shared_api: httpx.Client) -> Sends:
    """The marketplace's server, with a secret key."""
    return sender(shared_api, with_key(new_key("secret")))


@pytest.fixture(scope="module")
def stranger(shared_api: httpx.Client) -> Sends:
    """Anybody who has seen the page, with the publishable key in it."""
    return sender(shared_api, with_key(new_key("publishable")))
