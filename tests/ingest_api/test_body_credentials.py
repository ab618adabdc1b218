"""A write key and a user's token in the body: for browsers, whose beacons carry no headers."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.tokens import Caller, issue
from tests.ingest_api.support import event, new_key, served
from tests.support import environment, rows

PLAIN = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"}


@pytest.fixture
def api(database: str) -> Iterator[httpx.Client]:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(None) as client:
        yield client


def post(api: httpx.Client, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    body = {"events": [event(event_id="e-1")], **body}
    return api.post("/v1/events", content=json.dumps(body), headers={**PLAIN, **(headers or {})})


def test_a_key_in_the_body(api: httpx.Client, connection: psycopg.Connection) -> None:
    referer = {"Referer": "https://shop.example/page"}
    answer = post(api, referer, write_key=new_key("publishable"))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert "warnings" not in answer.json()["results"][0]
    assert answer.headers["access-control-allow-origin"] == "*"
    # The request's own referrer is the page that sends.
    assert rows(connection, "select referrer, actor_id from raw.events") == [(None, None)]


def test_a_token_in_the_body(api: httpx.Client, connection: psycopg.Connection) -> None:
    token = issue(Caller("creator-1", "creator"))
    events = [event(event_type="asset_uploaded")]
    answer = post(api, events=events, write_key=new_key("publishable"), user_token=token)
    assert answer.json()["accepted"] == 1, answer.text
    assert post(api, user_token=token).status_code == 200
    found = "select distinct actor_type, actor_id from raw.events"
    assert rows(connection, found) == [("creator", "creator-1")]


def test_headers_count_more(api: httpx.Client) -> None:
    wrong = "emk_pub_" + "x" * 32
    assert post(api, {"X-Write-Key": new_key()}, write_key=wrong).status_code == 200
    assert post(api, {"X-Write-Key": wrong}, write_key=new_key()).status_code == 401


def test_wrong_ones_are_refused_and_named(api: httpx.Client) -> None:
    assert post(api, write_key="emk_pub_" + "x" * 32).status_code == 401
    assert post(api, user_token="no.token").status_code == 401
    for name in ("write_key", "user_token"):
        answer = post(api, **{name: 5})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": name, "message": "must be a string"}]
    # Only beside `events`: an event has no such field.
    single = api.post("/v1/events", json={**event(), "write_key": new_key()})
    assert single.status_code == 401


def test_pages_of_other_origins_than_the_settings_allow(database: str) -> None:
    allowed = {"EVENTMILL_ALLOWED_ORIGINS": "https://shop.example", "EVENTMILL_RETENTION_DAYS": "0"}
    with environment(**allowed), served(None) as api:
        key = new_key("publishable")
        assert post(api, write_key=key).status_code == 200
        for origin in ("https://evil.example", "https://shop.example.evil.example", "null"):
            answer = post(api, {"Origin": origin}, write_key=key)
            assert answer.status_code == 403
            assert "EVENTMILL_ALLOWED_ORIGINS" in answer.json()["detail"]
        own = str(api.base_url).rstrip("/")
        assert post(api, {"Origin": own}, write_key=key).status_code == 200
