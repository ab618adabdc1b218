"""Whatever is wrong with an event: an error that names the field, the rest kept, never a 5xx."""

import json
import socket
from typing import Any

import httpx
import psycopg
import pytest

from tests.ingest_api.support import NOON, event, send, statuses, wrong_fields
from tests.support import scalar

DEEP: Any = "leaf"
for _ in range(40):
    DEEP = {"d": DEEP}
LONG = "x" * 201

WRONG_EVENTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"event_type": None}, ["event_type"]),
    ({"event_type": ""}, ["event_type"]),
    ({"event_type": 5}, ["event_type"]),
    ({"event_type": "no_such_type"}, ["event_type"]),
    ({"event_id": LONG}, ["event_id"]),
    ({"event_id": ""}, ["event_id"]),
    ({"event_id": 17}, ["event_id"]),
    ({"source": "x" * 65}, ["source"]),
    ({"session_id": LONG}, ["session_id"]),
    ({"session_id": 1}, ["session_id"]),
    ({"session_id": True}, ["session_id"]),
    ({"user_id": ["a"]}, ["user_id"]),
    ({"actor_type": "user"}, ["actor_id"]),
    ({"actor_id": "u-1"}, ["actor_type"]),
    ({"actor_type": "robot", "actor_id": "u-1"}, ["actor_type"]),
    ({"entity_type": "asset", "entity_id": "a-1"}, ["entity_type"]),
    ({"entity_type": "project"}, ["entity_id"]),
    ({"entity_id": "p-1"}, ["entity_type"]),
    ({"entity_type": "project", "entity_id": "p-1", "project_id": "p-2"}, ["entity_id"]),
    ({"occurred_at": "yesterday"}, ["occurred_at"]),
    ({"occurred_at": ""}, ["occurred_at"]),
    ({"occurred_at": 1_431_864_000}, ["occurred_at"]),
    ({"occurred_at": "2015-05-17"}, ["occurred_at"]),
    ({"occurred_at": "2015-05-17T12:00:00"}, ["occurred_at"]),
    ({"occurred_at": "2015-W20-7T12:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "٢٠١٥-05-17T12:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "2015-02-29T12:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "2015-13-01T12:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "2015-05-17T25:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "2016-12-31T23:59:60Z"}, ["occurred_at"]),
    ({"occurred_at": "2015-05-17T12:00:00+24:00"}, ["occurred_at"]),
    ({"occurred_at": "0000-01-01T00:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "0001-01-01T00:00:00Z"}, ["occurred_at"]),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, ["occurred_at"]),
    ({"occurred_at": "9999-12-31T23:59:59-14:00"}, ["occurred_at"]),
    ({"sent_at": "9999-12-31T23:59:59-14:00"}, ["sent_at"]),
    ({"sent_at": "soon"}, ["sent_at"]),
    ({"props": []}, ["props"]),
    ({"props": "{}"}, ["props"]),
    ({"props": {"note": "x" * 33_000}}, ["props"]),
    ({"props": {"note": "ü" * 17_000}}, ["props"]),
    ({"props": {"revenue_cents": "1299"}}, ["props.revenue_cents"]),
    ({"props": {"revenue_cents": 12.99}}, ["props.revenue_cents"]),
    ({"props": {"revenue_cents": -1}}, ["props.revenue_cents"]),
    ({"props": {"revenue_cents": True}}, ["props.revenue_cents"]),
    (
        {"props": {"engagement_ms": 2**53, "currency": "euro"}},
        ["props.currency", "props.engagement_ms"],
    ),
    ({"props": {"big": 2**63}}, ["props.big"]),
    ({"props": {"big": [0, -(10**400)]}}, ["props.big.1"]),
    ({"props": {"big": 1e300}}, ["props.big"]),
    ({"props": {"nan": float("nan")}}, ["props.nan"]),
    ({"props": {"inf": {"deep": [float("-inf")]}}}, ["props.inf.deep.0"]),
    ({"props": {"deep": DEEP}}, ["props.deep" + ".d" * 30]),
    ({"props": {"nul": "a\0b"}}, ["props.nul"]),
    ({"props": {"a": [{"k\0ey": 1}]}}, ["props.a.0.k\\u0000ey"]),
    ({"props": {"half": "\ud83d"}}, ["props.half"]),
    ({"props": {"\udc00": 1}}, ["props.\\udc00"]),
    ({"anonymous_id": "a\0"}, ["anonymous_id"]),
    ({"anonymous_id": "\ud800"}, ["anonymous_id"]),
    ({"event_type": "page\0viewed"}, ["event_type"]),
    ({"un\0known": 1}, ["un\\u0000known"]),
    ({"context": "page"}, ["context"]),
    ({"context": {"page_url": 5, "utm": []}}, ["context.page_url", "context.utm"]),
    ({"context": {"page_url": "https://a.example/\0"}}, ["context.page_url"]),
    ({"context": {"utm": {"source": 5}}}, ["context.utm.source"]),
    ({"context": {"locale": 5, "screen": 5}}, ["context.locale"]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "wrong"), WRONG_EVENTS, ids=lambda value: str(value)[:60])
def test_a_wrong_event_does_not_touch_its_neighbours(
    shared_api: httpx.Client, fields: dict[str, Any], wrong: list[str]
) -> None:
    # allow_nan and ASCII escapes: what careless senders really put on the wire.
    body = json.dumps({"events": [event(), event(**fields), event()]})
    answer = shared_api.post("/v1/events", content=body)
    assert answer.status_code == 200, answer.text
    assert statuses(answer.json()) == ["accepted", "rejected", "accepted"]
    assert sorted(wrong_fields(answer.json()["results"][1])) == wrong


def test_all_that_is_wrong_is_said_at_once(shared_api: httpx.Client) -> None:
    (result,) = send(
        shared_api,
        event(event_type="nope", occurred_at="never", session_id=5, actor_type="user",
              entity_id="x", props={"a": [1e300, "b\0"]}, context={"utm": 1}),
        status=422,
    )["results"]  # fmt: skip
    assert sorted(wrong_fields(result)) == [
        "actor_id", "context.utm", "entity_type", "event_type", "occurred_at", "props.a.0",
        "props.a.1", "session_id",
    ]  # fmt: skip


def test_more_wrong_than_is_said(shared_api: httpx.Client) -> None:
    nuls = {f"k{number}": "\0" for number in range(25)}
    for fields in ({**nuls, **event(event_id="\ud800")}, event(props={**nuls, "z": "\ud800"})):
        (result,) = send(shared_api, fields, status=422)["results"]
        assert len(result["errors"]) == 20


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b'{"event_type": "page_viewed"', "line 1, column 29"),
        (b'{"events": [{"event_type": page_viewed}]}', "line 1, column 28"),
        (b'{"events": [\n{"event_type": "page_viewed",}]}', "line 2"),
        (b'{"event_type": "page_viewed"} x', "column 31"),
        (b'{"event_type": "\xff"}', "byte 16"),
        (b'{"event_type": "page\x00viewed"}', "column"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "nested too deeply"),
    ],
)
def test_malformed_json_is_400_and_says_where(
    shared_api: httpx.Client, body: bytes, said: str
) -> None:
    answer = shared_api.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("[]", "body"),
        ("5", "body"),
        ("null", "body"),
        ('"page_viewed"', "body"),
        ('{"events": {}}', "events"),
        ('{"events": null}', "events"),
        ('{"events": [{}], "sent_at": "soon"}', "sent_at"),
        ('{"events": [{}], "sent_at": 5}', "sent_at"),
    ],
)
def test_json_that_is_no_request_is_422_and_names_the_field(
    shared_api: httpx.Client, body: str, field: str
) -> None:
    answer = shared_api.post("/v1/events", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_number_of_thousands_of_digits(shared_api: httpx.Client) -> None:
    body = '{"event_type": "page_viewed", "props": {"a": 1%s}}' % ("0" * 20_000)
    answer = shared_api.post("/v1/events", content=body)
    assert answer.status_code == 422
    assert wrong_fields(answer.json()["results"][0]) == ["props.a"]


def test_a_byte_order_mark_is_ignored(shared_api: httpx.Client) -> None:
    body = b'\xef\xbb\xbf{"event_type": "page_viewed"}'
    assert shared_api.post("/v1/events", content=body).status_code == 200


def test_limits_of_a_request(api: httpx.Client, connection: psycopg.Connection) -> None:
    assert send(api, *[event()] * 1_000)["accepted"] == 1_000
    too_many = api.post("/v1/events", json={"events": [event()] * 1_001})
    assert too_many.status_code == 413
    assert "1,001" in too_many.json()["detail"]
    padding = b" " * (1024 * 1024)
    assert api.post(
        "/v1/events", content=padding[:-100] + b'{"event_type":"page_viewed"}'
    ).is_success
    declared = api.post("/v1/events", content=padding + b"{}")
    assert declared.status_code == 413
    assert declared.headers["content-type"] == "application/problem+json"
    assert scalar(connection, "select count(*) from raw.events") == 1_001


def test_a_chunked_body_is_cut_off_while_it_arrives(api: httpx.Client) -> None:
    """The answer comes although the sender never says that it has finished."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=30) as wire:
        wire.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(17):
            wire.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert b" 413 " in wire.recv(200)


def test_a_broken_upload_harms_nobody(api: httpx.Client, connection: psycopg.Connection) -> None:
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=30) as wire:
        wire.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
    send(api, event(occurred_at=NOON))
    assert scalar(connection, "select count(*) from raw.events") == 1


def test_other_paths_and_methods_are_problems_too(shared_api: httpx.Client) -> None:
    for answer, status in ((shared_api.get("/v1/events"), 405), (shared_api.get("/nowhere"), 404)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
