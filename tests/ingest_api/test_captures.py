"""Requests that real client libraries sent, sent again: what becomes of each call."""

import base64
import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.ingest_api.support import new_key, served
from tests.support import environment, rows, scalar

FOLDER = Path(__file__).with_name("captures")
FILES = sorted(FOLDER.glob("*.jsonl"))
PLACEHOLDER = "WRITEKEY_1"
EVENTS = """
select event_type, source, actor_type, actor_id, user_id, anonymous_id, visitor_id, ip_asset_id,
    session_id, page_url, referrer, user_agent, utm_source, utm_medium, utm_campaign, utm_term,
    utm_content, click_id, props_json, occurred_at
from raw.events order by occurred_at, event_type
"""
SERVERS = ["segment-node", "segment-python", "rudder-node", "rudder-python"]
BROWSERS = ["browser-segment-next", "browser-rudder-js"]
GALLERY = "/page.html?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=art"


def captured(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def send(api: httpx.Client, request: dict[str, Any], key: str, packed: bool) -> httpx.Response:
    """The request as it was sent, but for its key; `packed` is gzip, whatever the headers say."""
    text = json.dumps(request["body"]).replace(PLACEHOLDER, key)
    basic = base64.b64encode(f"{key}:".encode()).decode()
    headers = {name: value for name, value in request["headers"].items() if name != "Accept"}
    if "Authorization" in headers:
        headers["Authorization"] = f"Basic {basic}"
    body = gzip.compress(text.encode()) if packed else text.encode()
    return api.request(
        request["method"],
        request["path"].replace(PLACEHOLDER, key),
        params=[(name, value.replace(PLACEHOLDER, key)) for name, value in request["query"]],
        headers=headers,
        content=b"" if request["method"] == "GET" else body,
    )


def replayed(
    api: httpx.Client, connection: psycopg.Connection, name: str, key: str
) -> list[dict[str, Any]]:
    """The events that came of a capture, sent three times over in the three packings."""
    for packed in (False, True):
        for request in captured(name):
            if not packed:
                request["headers"].pop("Content-Encoding", None)
            answer = send(api, request, key, packed)
            assert answer.status_code == 200, answer.text
    for request in captured(name):
        request["headers"].pop("Content-Encoding", None)
        assert send(api, request, key, packed=True).status_code == 200
    cursor = connection.execute(EVENTS)
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def bare_api(database: str):
    """A service to which the client brings no key of its own."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(None) as client:
        yield client


@pytest.mark.parametrize("name", SERVERS)
def test_servers(bare_api: httpx.Client, connection: psycopg.Connection, name: str) -> None:
    (event,) = replayed(bare_api, connection, name, new_key("secret"))
    assert event["event_type"] == "asset_viewed"
    assert (event["actor_type"], event["actor_id"], event["visitor_id"]) == ("user", "u-1", "u-1")
    assert (event["anonymous_id"], event["ip_asset_id"]) == ("anon-1", "a-1")
    skew = timedelta(seconds=event["props_json"].pop("_clock_skew_seconds", 0))
    assert event["occurred_at"] - skew == datetime.fromisoformat("2025-10-10T10:00:00Z")
    assert event["props_json"] == {"revenue_cents": 1299}
    if name.startswith("segment"):
        assert event["user_agent"] == "Mozilla/5.0 UA"
        assert (event["utm_source"], event["utm_campaign"]) == ("google", "spring")
    else:
        assert event["user_agent"] is None  # the library's own name is nobody's browser
    assert rows(connection, "select anonymous_id, user_id, verified from raw.identities") == [
        ("anon-1", "u-1", True)
    ]


@pytest.mark.parametrize("name", BROWSERS)
def test_browsers(bare_api: httpx.Client, connection: psycopg.Connection, name: str) -> None:
    page, track = replayed(bare_api, connection, name, new_key("publishable"))
    assert (page["event_type"], track["event_type"]) == ("page_viewed", "asset_viewed")
    for event in (page, track):
        assert GALLERY in event["page_url"]
        assert event["referrer"].startswith("http://localhost:")
        assert event["user_agent"].startswith("Mozilla/5.0 (X11")
        utm = [event[f"utm_{part}"] for part in ("source", "medium", "campaign", "term", "content")]
        assert utm == ["google", "cpc", "spring", "art", "b1"]
        assert event["click_id"] == "GCL1"
        # A browser's word for who it is names no actor.
        assert event["actor_id"] is None
        assert event["visitor_id"] == f"anon:{event['anonymous_id']}"
        event["props_json"].pop("_clock_skew_seconds", None)
    assert page["props_json"] == {"path": "/page.html", "title": "Gallery"}
    assert (track["ip_asset_id"], track["props_json"]) == ("a-1", {"revenue_cents": 1299})
    assert rows(connection, "select anonymous_id, user_id, verified from raw.identities") == [
        (track["anonymous_id"], "u-1", False)
    ]
    if name == "browser-rudder-js":
        assert (track["source"], track["session_id"]) == ("web", "1795331662075")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_unknown_key_is_told_so(bare_api: httpx.Client, file: Path) -> None:
    for request in captured(file.stem):
        assert send(bare_api, request, "emk_pub_" + "x" * 32, packed=False).status_code == 401


def test_a_refused_event_is_kept_and_answered_with_200(
    bare_api: httpx.Client, connection: psycopg.Connection
) -> None:
    """Server libraries with a key that is only for browsers: nothing of theirs is anonymous."""
    request = captured("segment-node")[0]
    request["body"]["batch"][0]["event"] = "License Created"
    assert send(bare_api, request, new_key("publishable"), packed=False).status_code == 200
    assert scalar(connection, "select count(*) from raw.events") == 0
    ((event, errors, route),) = rows(
        connection, "select event, errors, route from raw.rejected_events"
    )
    assert json.loads(event)["event_type"] == "license_created"
    assert (errors[0]["field"], route) == ("event_type", "/v1/batch")
