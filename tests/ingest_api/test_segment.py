"""What becomes of the calls of the Segment API. What the libraries send is in test_captures.py."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.tokens import Caller, issue
from tests.ingest_api.support import NOON, new_key, served, with_key
from tests.support import environment, rows

EMPTY = "truncate raw.events, raw.rejected_events"
CREATOR = Caller("creator-1", "creator")
CONTEXT = {"page": {"url": "https://market.example/a?gclid=1", "referrer": "https://t.co/"}}


@pytest.fixture(scope="module")
def bare_api(module_database: str) -> Iterator[httpx.Client]:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(None) as client:
        yield client


@pytest.fixture(scope="module")
def keys(bare_api: httpx.Client) -> dict[str, dict[str, str]]:
    """Headers by sender."""
    return {
        "secret": with_key(new_key("secret")),
        "publishable": with_key(new_key("publishable")),
        "user": {"Authorization": f"Bearer {issue(CREATOR)}"},
    }


@pytest.fixture(autouse=True)
def _empty(shared_connection: psycopg.Connection) -> None:
    shared_connection.execute(EMPTY)


def call(
    api: httpx.Client, headers: dict[str, str], path: str = "/v1/track", **message: Any
) -> httpx.Response:
    message = {"timestamp": NOON, "anonymousId": "anon-1", **message}
    answer = api.post(path, json=message, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"success": True}), answer.text
    return answer


def stored(connection: psycopg.Connection, columns: str) -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from raw.events order by event_type, event_id")


def refused(connection: psycopg.Connection) -> list[tuple[Any, str]]:
    """The refused events and the first field that is wrong with each."""
    found = rows(connection, "select event, errors from raw.rejected_events order by rejected_id")
    return [(json.loads(event), errors[0]["field"]) for event, errors in found]


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("asset_viewed", "asset_viewed"),
        ("Asset Viewed", "asset_viewed"),
        ("assetViewed", "asset_viewed"),
        ("ASSET-VIEWED", "asset_viewed"),
        ("CTA Clicked", "cta_clicked"),
        ("Signed Up", "user_signed_up"),
    ],
)
def test_names_of_events(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, name: str,
    event_type: str,
) -> None:  # fmt: skip
    call(bare_api, keys["secret"], event=name)
    assert stored(shared_connection, "event_type") == [(event_type,)]


def test_names_of_properties(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    properties = {
        "assetId": "a-1", "Project ID": 7, "revenueCents": 5, "engagement_ms": 1, "engagementMs": 2,
        "myOwn": {"keptAs": "is"}, "revenue": 12.5,
    }  # fmt: skip
    call(bare_api, keys["secret"], event="Asset Viewed", properties=properties)
    kept = {
        "revenue_cents": 5, "engagement_ms": 1, "engagementMs": 2, "myOwn": {"keptAs": "is"},
        "revenue": 12.5,
    }  # fmt: skip
    found = stored(shared_connection, "ip_asset_id, project_id, props_json")
    assert found == [("a-1", "7", kept)]


@pytest.mark.parametrize("path", ["/v1/page", "/v1/p", "/v1/screen", "/v1/s"])
def test_pages_and_screens(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, path: str
) -> None:
    copies = {"url": "https://x.example/", "search": "?token=1", "referrer": "https://y.example/"}
    sent = {"title": "An asset", "path": "/a", **copies}
    call(bare_api, keys["publishable"], path, name="Asset", properties=sent, context=CONTEXT)
    props = {"title": "An asset", "path": "/a", "name": "Asset"}
    assert stored(
        shared_connection, "event_type, props_json, page_url, referrer, click_id, user_agent"
    ) == [("page_viewed", props, "https://market.example/a?gclid=1", "https://t.co/", "1", None)]


@pytest.mark.parametrize(
    ("message", "actor"),
    [
        ({"event": "Asset Uploaded"}, ("creator", "7")),
        ({"event": "License Created"}, ("brand", "7")),
        ({"event": "Asset Viewed"}, ("user", "7")),
        ({"event": "Asset Viewed", "context": {"traits": {"role": "admin"}}}, ("admin", "7")),
        ({"event": "Asset Viewed", "context": {"traits": {"role": "painter"}}}, ("user", "7")),
        ({"event": "Asset Viewed", "properties": {"actorType": "creator"}}, ("creator", "7")),
    ],
)
def test_a_server_names_the_actor(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, message: dict,
    actor: tuple[str, str],
) -> None:  # fmt: skip
    call(bare_api, keys["secret"], userId=7, **message)
    assert stored(shared_connection, "actor_type, actor_id, visitor_id") == [(*actor, "7")]


def test_a_token_names_the_actor(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    call(bare_api, keys["user"], event="Asset Uploaded", properties={"assetId": "a-1"})
    call(bare_api, keys["user"], event="Asset Viewed", userId="creator-1")
    call(bare_api, keys["user"], event="Asset Viewed", userId="somebody else")
    assert stored(shared_connection, "event_type, actor_type, actor_id") == [
        ("asset_uploaded", "creator", "creator-1"),
        ("asset_viewed", "creator", "creator-1"),
    ]
    ((event, field),) = refused(shared_connection)
    assert (event["actor_id"], field) == ("somebody else", "actor_id")


def test_a_browser_names_nobody(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    call(bare_api, keys["publishable"], event="Asset Viewed", userId="u-1")
    call(bare_api, keys["publishable"], event="License Created", userId="u-1")
    assert stored(shared_connection, "event_type, actor_id, user_id, visitor_id") == [
        ("asset_viewed", None, "u-1", "anon:anon-1")
    ]
    assert [field for _, field in refused(shared_connection)] == ["event_type"]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"event": "Poem Written"}, "event_type"),
        ({"event": None}, "event_type"),
        ({"event": 7}, "event_type"),
        ({"event": "Asset Viewed", "properties": [1]}, "props"),
        ({"event": "Asset Viewed", "properties": {"revenueCents": "12"}}, "props.revenue_cents"),
        ({"event": "Asset Viewed", "timestamp": "yesterday"}, "occurred_at"),
        ({"event": "Asset Viewed", "anonymousId": ["a"]}, "anonymous_id"),
        ({"event": "Asset Viewed", "properties": {"assetId": {"a": 1}}}, "ip_asset_id"),
        ({"event": "Asset Viewed", "messageId": "x" * 201}, "event_id"),
        ({"event": "Asset Viewed", "properties": {"title": "\0"}}, "props.title"),
    ],
)
def test_what_is_wrong_is_kept(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, message: dict,
    field: str,
) -> None:  # fmt: skip
    call(bare_api, keys["secret"], **message)
    assert stored(shared_connection, "event_type") == []
    assert [wrong for _, wrong in refused(shared_connection)] == [field]


def test_a_batch_is_judged_call_by_call(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    good = {"type": "track", "event": "Asset Viewed", "messageId": "m-1", "timestamp": NOON}
    odd = {"type": "poem", "messageId": "m-2"}
    batch = {"batch": [good, odd, 7, {"type": "group", "groupId": "g"}, good], "sentAt": NOON}
    for path in ("/v1/batch", "/v1/b"):
        answer = bare_api.post(path, json=batch, headers=keys["secret"])
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(shared_connection, "event_type") == [("asset_viewed",)]
    assert {field for _, field in refused(shared_connection)} == {"event_type", "event"}


@pytest.mark.parametrize(
    ("headers", "packed"),
    [
        ({"Content-Type": "text/plain"}, False),
        ({"Content-Type": "application/x-www-form-urlencoded"}, True),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, True),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, False),
        ({"Content-Type": "application/json"}, True),
        ({}, True),
    ],
)
def test_whatever_the_headers_say(
    bare_api: httpx.Client, shared_connection: psycopg.Connection, headers: dict, packed: bool
) -> None:
    message = {"event": "Asset Viewed", "writeKey": new_key("publishable"), "timestamp": NOON}
    body = json.dumps(message).encode()
    content = gzip.compress(body) if packed else body
    answer = bare_api.post("/v1/t", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert stored(shared_connection, "event_type") == [("asset_viewed",)]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/track", b"{", 400),
        ("/v1/track", b"[]", 422),
        ("/v1/batch", b"{}", 422),
        ("/v1/batch", b'{"batch": {}}', 422),
        ("/v1/batch", json.dumps({"batch": [1] * 1001}).encode(), 413),
        ("/v1/track", b'{"event": "' + b"x" * 2**20 + b'"}', 413),
        ("/v1/track", gzip.compress(b'{"event": "' + b"x" * 2**20 + b'"}'), 413),
    ],
)
def test_what_cannot_be_read(
    bare_api: httpx.Client, keys: dict, path: str, body: bytes, status: int
) -> None:
    answer = bare_api.post(path, content=body, headers=keys["secret"])
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"code", "message"} <= answer.json().keys()  # what rudder-sdk-python reads


def test_no_address_is_kept(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    """`context.ip`, which servers send, tells the country and goes."""
    for event in ("Asset Viewed", "Poem Written"):
        call(bare_api, keys["secret"], event=event, context={"ip": "8.8.8.8"}, properties={})
    assert stored(shared_connection, "country") == [("US",)]
    everything = rows(
        shared_connection,
        "select e::text from raw.events e union all select r::text from raw.rejected_events r",
    )
    assert len(everything) == 2
    assert "8.8.8.8" not in str(everything)


def test_a_servers_own_address_is_not_its_visitors(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    headers = {**keys["secret"], "User-Agent": "analytics-python/2.4.0", "Referer": "https://a.b/"}
    call(bare_api, headers, event="Asset Viewed")
    assert stored(shared_connection, "country, user_agent, referrer") == [(None, None, None)]


def test_settings_name_this_server_only(bare_api: httpx.Client) -> None:
    key = new_key("publishable")
    settings = bare_api.get(f"/v1/projects/{key}/settings").json()
    server = f"{bare_api.base_url.host}:{bare_api.base_url.port}"
    assert settings["integrations"]["Segment.io"]["apiHost"] == f"{server}/v1"
    assert settings["integrations"].keys() == {"Segment.io"}
    answer = bare_api.get("/sourceConfig/", auth=(key, ""), params={"writeKey": key})
    assert answer.json()["source"]["destinations"] == []
    assert bare_api.get("/v1/projects/emk_pub_nobody/settings").status_code == 401
    assert bare_api.get("/sourceConfig/").status_code == 401


def test_a_page_of_a_long_title_is_kept(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    """Nobody chose it for us: the library reads it off the page, as it does the address."""
    long = {name: name * 4_000 for name in ("title", "path", "search", "url", "referrer")}
    call(bare_api, keys["publishable"], "/v1/page", properties=long, context={"page": long})
    lengths = "length(props_json ->> 'title'), length(props_json ->> 'path'), length(page_url)"
    assert stored(shared_connection, lengths) == [(1_000, 2_048, 8_192)]
    assert refused(shared_connection) == []
