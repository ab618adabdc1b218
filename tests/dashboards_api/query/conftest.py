"""Asking the query API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from eventmill.core.tokens import Caller, issue

ADMIN = Caller("root", "admin")

Send = Callable[..., Response]


@pytest.fixture(scope="module")
def send(client: TestClient) -> Send:
    """`send(method, path, body, caller)`: a call with the caller's token, by default an admin's."""

    def call(
        method: str, path: str, body: Any = None, caller: Caller = ADMIN, **options: Any
    ) -> Response:
        headers = {
            "Authorization": f"Bearer {issue(caller)}",
            "Content-Type": "application/json",
        }
        if body is not None:  # in ASCII, so that half of a surrogate pair can be sent too
            options["content"] = json.dumps(body)
        return client.request(method, path, headers=headers, **options)

    return call


@pytest.fixture(scope="module")
def ask(send: Send) -> Callable[..., dict[str, Any]]:
    """`ask(caller, **body)`: the answer to a query that is right."""

    def call(caller: Caller = ADMIN, **body: Any) -> dict[str, Any]:
        response = send("POST", "/v1/query", body, caller)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return call
