"""How much one sender may send in a minute, and how large and how slow a request may be."""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from eventmill.core.tokens import Caller, issue
from tests.ingest_api.support import NOON, event, new_key, served, with_key
from tests.support import environment

MEGABYTE = 1024 * 1024


@pytest.fixture
def limited(database: str) -> Iterator[httpx.Client]:
    """A service that takes ten events a minute of one visitor, 50 of one secret key."""
    limits = {"EVENTMILL_EVENTS_PER_MINUTE": "10", "EVENTMILL_SECRET_KEY_EVENTS_PER_MINUTE": "50"}
    with environment(EVENTMILL_RETENTION_DAYS="0", **limits), served("publishable") as client:
        yield client


def post(api: httpx.Client, count: int, who: str | None = "v-1", **headers: str) -> httpx.Response:
    events = [event(anonymous_id=who)] * count
    return api.post("/v1/events", json={"events": events}, headers=headers)


def test_a_visitor_s_limit_and_its_headers(limited: httpx.Client) -> None:
    answer = post(limited, 3)
    assert answer.status_code == 200
    assert answer.headers["ratelimit-limit"] == "10"
    assert answer.headers["ratelimit-remaining"] == "7"
    assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60
    assert post(limited, 7).headers["ratelimit-remaining"] == "0"
    refused = post(limited, 1)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert post(limited, 1, "v-2").status_code == 200


def test_a_request_that_is_refused_takes_nothing(limited: httpx.Client) -> None:
    assert post(limited, 11).status_code == 429
    assert "send fewer in one request" in post(limited, 11).json()["detail"]
    assert post(limited, 10).status_code == 200


def test_the_headers_are_the_tightest_visitor_s(limited: httpx.Client) -> None:
    events = [event(anonymous_id=who) for who in ("a", "b", "b", "c")]
    answer = limited.post("/v1/events", json={"events": events})
    assert answer.headers["ratelimit-remaining"] == "8"


def test_visitors_without_an_id_are_told_apart_by_address_and_agent(limited: httpx.Client) -> None:
    agents = {"User-Agent": "A"}, {"User-Agent": "B"}
    assert [post(limited, 10, None, **agent).status_code for agent in agents] == [200, 200]
    assert [post(limited, 1, None, **agent).status_code for agent in agents] == [429, 429]
    elsewhere = {**agents[0], "X-Forwarded-For": "203.0.113.9"}
    assert post(limited, 1, None, **elsewhere).status_code == 200


def test_a_user_s_limit_does_not_depend_on_the_anonymous_id(limited: httpx.Client) -> None:
    one, other = (
        {"Authorization": f"Bearer {issue(Caller(sub, 'creator'))}"} for sub in ("u-1", "u-2")
    )
    assert post(limited, 6, "a", **one).status_code == 200
    assert post(limited, 5, "b", **one).status_code == 429
    assert post(limited, 6, "a", **other).status_code == 200


def test_links_count_as_events_do(limited: httpx.Client) -> None:
    def calls(count: int, who: str) -> dict[str, Any]:
        link = {"type": "identify", "anonymousId": who, "userId": "u-1"}
        return {"batch": [link] * count}

    answer = limited.post("/v1/batch", json=calls(9, "v-1"))
    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "1")
    assert limited.post("/v1/batch", json=calls(2, "v-1")).status_code == 429
    assert post(limited, 1, "v-1").headers["ratelimit-remaining"] == "0"
    assert limited.post("/v1/batch", json=calls(10, "v-2")).status_code == 200


def test_a_secret_key_has_a_limit_of_its_own(limited: httpx.Client) -> None:
    one, other = with_key(new_key()), with_key(new_key())
    answer = post(limited, 50, **one)
    assert (answer.status_code, answer.headers["ratelimit-limit"]) == (200, "50")
    assert post(limited, 1, "v-2", **one).status_code == 429
    assert post(limited, 1, **other).status_code == 200


def test_a_window_ends(limited: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(limited, 10).status_code == 200
    assert post(limited, 1).status_code == 429
    now = time.time
    monkeypatch.setattr("ingest_api.limits.time.time", lambda: now() + 61)
    assert post(limited, 1).headers["ratelimit-remaining"] == "9"


def test_inventing_visitors_does_not_fill_the_memory(
    limited: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_api.limits.MAX_COUNTED", 100)
    events = [event(anonymous_id=f"v-{number}") for number in range(1_000)]
    assert limited.post("/v1/events", json={"events": events}).status_code == 200


def test_a_body_that_does_not_come_is_408(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte at a time keeps no connection open: what counts is the whole body."""
    monkeypatch.setattr("eventmill.http.guard.BODY_SECONDS", 0.5)
    address = (api.base_url.host, api.base_url.port or 0)
    with socket.create_connection(address, timeout=30) as wire:
        wire.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        wire.settimeout(0.1)
        answer, deadline = b"", time.monotonic() + 20
        while b"\r\n\r\n" not in answer and time.monotonic() < deadline:
            try:
                wire.sendall(b" ")
                answer += wire.recv(1000)
            except TimeoutError:
                continue
        assert b" 408 " in answer[:20]
        assert b"application/problem+json" in answer
        wire.settimeout(10)
        while wire.recv(1000):
            pass  # the service closes the connection


VIEW = json.dumps({"event_type": "page_viewed", "occurred_at": NOON}).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Encoding": "identity", "Content-Type": "text/plain"},
    ],
)
def test_gzip_with_and_without_the_right_headers(
    shared_api: httpx.Client, headers: dict[str, str]
) -> None:
    answer = shared_api.post("/v1/events", content=gzip.compress(VIEW), headers=headers)
    assert answer.json()["accepted"] == 1


def test_json_labelled_as_gzip(shared_api: httpx.Client) -> None:
    answer = shared_api.post("/v1/events", content=VIEW, headers={"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 1


def test_gzip_in_several_members(shared_api: httpx.Client) -> None:
    body = gzip.compress(VIEW[:20]) + gzip.compress(VIEW[20:])
    assert shared_api.post("/v1/events", content=body).json()["accepted"] == 1


def _bombs() -> dict[str, bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    flood = b"".join(packer.compress(b" " * MEGABYTE) for _ in range(200)) + packer.flush()
    return {
        "200 MB of blanks": flood,
        "just over 1 MB": gzip.compress(b" " * (MEGABYTE + 1)),
        "two members over 1 MB together": gzip.compress(b" " * 600_000) * 2,
    }


@pytest.mark.parametrize("name", _bombs())
def test_a_gzip_bomb_is_413_and_costs_little(shared_api: httpx.Client, name: str) -> None:
    bomb = _bombs()[name]
    started = time.perf_counter()
    answer = shared_api.post("/v1/events", content=bomb)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(VIEW)[:-9],
        gzip.compress(VIEW)[:-1] + b"\xff",
        b"\x1f\x8b",
        b"\x1f\x8b" + b"x" * 100,
        gzip.compress(b"") * 50_000,
    ],
    ids=["cut off", "wrong checksum", "two bytes", "nonsense", "many members"],
)
def test_damaged_gzip_is_400(shared_api: httpx.Client, body: bytes) -> None:
    answer: Any = shared_api.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert "gzip" in answer.json()["detail"]
