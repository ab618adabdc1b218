"""POST /v1/events takes and answers what the contract says."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.ingest_api.support import NOON, event, send, statuses, wrong_fields
from tests.support import environment, rows


def stored(connection: psycopg.Connection, event_id: str) -> dict[str, Any]:
    cursor = connection.cursor(row_factory=dict_row)
    found = cursor.execute("select * from raw.events where event_id = %s", (event_id,)).fetchall()
    assert len(found) == 1
    return found[0]


def test_every_field_ends_in_its_column(
    shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    ids = {
        name: f"{name}-ü\t\\N\n"
        for name in (
            "actor_id", "anonymous_id", "session_id", "project_id", "ip_asset_id", "license_id",
            "user_id", "brand_id", "creator_id",
        )
    }  # fmt: skip
    props = {
        "revenue_cents": 1299,
        "note": 'quote " backslash \\ tab \t newline \n',
        "n": [1, None],
    }
    sent_at = datetime.now(UTC)
    sent = event(
        event_id="6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        event_type="license_created",
        occurred_at="2015-05-17T23:30:00.123456789-02:30",
        sent_at=sent_at.isoformat(),
        source="backend",
        actor_type="brand",
        props=props,
        context={
            "page_url": "https://a.example/\\t?x=1",
            "landing_page": "https://a.example/landing",
            "referrer": "https://search.example/",
            "user_agent": "Agent/1.0",
            "utm": {"source": "s", "medium": "m", "campaign": "c", "term": "t", "content": "n"},
            "click_id": "click-1",
            "locale": "de-DE",
            "screen": {"width": 1, "height": 2},
        },
        **ids,
    )
    answer = send(shared_api, sent)
    assert answer == {
        "accepted": 1, "duplicate": 0, "rejected": 0, "dropped": 0,
        "results": [{"event_id": sent["event_id"], "status": "accepted"}],
    }  # fmt: skip
    row = stored(shared_connection, sent["event_id"])
    assert row["occurred_at"] == datetime(2015, 5, 18, 2, 0, 0, 123456, tzinfo=UTC)
    assert row["sent_at"] == sent_at
    assert abs(row["received_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert abs(row["created_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert row["props_json"] == props
    assert {name: row[name] for name in ids} == ids
    expected = {
        "source": "backend", "event_type": "license_created", "actor_type": "brand",
        "visitor_id": ids["actor_id"], "page_url": "https://a.example/\\t?x=1",
        "landing_page": "https://a.example/landing", "referrer": "https://search.example/",
        "user_agent": "Agent/1.0", "utm_source": "s", "utm_medium": "m", "utm_campaign": "c",
        "utm_term": "t", "utm_content": "n", "click_id": "click-1", "country": None,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_a_single_event_with_nothing_but_its_type(
    shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    answer = shared_api.post(
        "/v1/events",
        content=b'{"event_type": "page_viewed"}',
        headers={
            b"User-Agent": b"Head/2",
            b"Referer": "https://r.example/ü".encode(),
        },
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    (result,) = answer.json()["results"]
    assert uuid.UUID(result["event_id"]).version == 7
    row = stored(shared_connection, result["event_id"])
    assert abs(row["occurred_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert (row["source"], row["props_json"]) == ("web", {})
    assert (row["user_agent"], row["referrer"]) == ("Head/2", "https://r.example/ü")
    assert row["sent_at"] is row["actor_type"] is row["project_id"] is None


def test_the_content_type_does_not_matter(shared_api: httpx.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = shared_api.post(
            "/v1/events", content=b'{"event_type":"page_viewed"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 200, kind


def test_event_ids(shared_api: httpx.Client, shared_connection: psycopg.Connection) -> None:
    known = uuid.uuid4()
    answer = send(
        shared_api,
        event(event_id=str(known).upper()),
        event(event_id="ajs-next-1700000000000-uuid"),
        event(event_id="x" * 200),
        event(event_id=known.hex),
    )
    first, second, _, again = answer["results"]
    assert first == {"event_id": str(known), "status": "accepted"}
    assert again == {"event_id": str(known), "status": "duplicate"}
    assert uuid.UUID(second["event_id"]).version == 5
    repeated = send(shared_api, event(event_id="ajs-next-1700000000000-uuid"))
    assert repeated["results"] == [{**second, "status": "duplicate"}]


@pytest.mark.parametrize(
    ("kind", "column"),
    [("project", "project_id"), ("ip_asset", "ip_asset_id"), ("license", "license_id")],
)
def test_the_entity_shorthand(
    shared_api: httpx.Client, shared_connection: psycopg.Connection, kind: str, column: str
) -> None:
    answer = send(
        shared_api,
        event(entity_type=kind, entity_id="e-1"),
        event(entity_type=kind, entity_id="e-1", **{column: "e-1"}),
        event(entity_type=kind, entity_id="e-1", **{column: "e-2"}),
    )
    assert statuses(answer) == ["accepted", "accepted", "rejected"]
    assert stored(shared_connection, answer["results"][0]["event_id"])[column] == "e-1"
    assert wrong_fields(answer["results"][2]) == ["entity_id"]


def test_campaign_values_come_from_the_context_then_the_landing_page_then_the_page(
    shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    context = {
        "utm": {"source": "given", "medium": None, "campaign": ""},
        "landing_page": "https://a.example/?utm_source=x&utm_medium=e%2Dmail&UTM_TERM=a+b&utm_id=1",
        "page_url": "https://a.example/?utm_medium=y&utm_campaign=Feed%3A+c&fbclid=F&gclid=G%00#h",
    }
    answer = send(shared_api, event(context=context))
    row = stored(shared_connection, answer["results"][0]["event_id"])
    assert [row[f"utm_{n}"] for n in ("source", "medium", "campaign", "term", "content")] == [
        "given", "e-mail", "Feed: c", "a b", None,
    ]  # fmt: skip
    assert row["click_id"] == "G\ufffd"


def test_long_urls_and_agents_are_shortened(
    shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    context = {
        "page_url": "https://a.example/?" + "x" * 20_000 + "&utm_source=" + "s" * 600,
        "landing_page": "https://a.example/" + "y" * 9_000,
        "referrer": "https://b.example/" + "z" * 9_000,
        "user_agent": "ü" * 2_000,
    }
    answer = send(shared_api, event(context=context))
    (result,) = answer["results"]
    assert result["warnings"] == [
        {"field": "context.user_agent", "message": "was shortened to 512 characters"},
        {"field": "context.page_url", "message": "was shortened to 8,192 characters"},
        {"field": "context.landing_page", "message": "was shortened to 8,192 characters"},
        {"field": "context.referrer", "message": "was shortened to 8,192 characters"},
    ]
    row = stored(shared_connection, result["event_id"])
    assert {len(row[name]) for name in ("page_url", "landing_page", "referrer")} == {8192}
    assert row["utm_source"] == "s" * 500
    assert row["user_agent"] == "ü" * 512


@pytest.mark.parametrize("characters", [1_001, 40_000])
def test_what_client_libraries_fill_is_shortened(
    shared_api: httpx.Client, shared_connection: psycopg.Connection, characters: int
) -> None:
    props = {"title": "ü" * characters, "path": "/" + "x" * characters, "other": "as it is"}
    answer = send(shared_api, event(props=props))
    (result,) = answer["results"]
    kept = stored(shared_connection, result["event_id"])["props_json"]
    path = props["path"][:2048]
    assert kept == {"title": "ü" * 1000, "path": path, "other": "as it is"}
    warned = [(warning["field"], warning["message"]) for warning in result["warnings"]]
    assert warned[0] == ("props.title", "was shortened to 1,000 characters")
    assert [field for field, _ in warned[1:]] == ["props.path"] * (path != props["path"])


def test_what_a_developer_fills_is_not_shortened(shared_api: httpx.Client) -> None:
    """Nor does shortening hide what else is wrong."""
    title = {"title": "t" * 1_001}
    answer = send(
        shared_api,
        event(event_type="asset_uploaded", props=title),
        event(props={**title, "status": "fine"}),
        event(props={**title, "other": "x" * 40_000}),
        status=422,
    )
    fields = [[error["field"] for error in result["errors"]] for result in answer["results"]]
    assert fields == [["props.title"], ["props.status"], ["props"]]
    assert not any("warnings" in result for result in answer["results"])


def test_unknown_fields_are_ignored_with_a_warning(shared_api: httpx.Client) -> None:
    sent = event(occured_at=NOON, context={"pageurl": "x", "utm": {"name": "y"}})
    (result,) = send(shared_api, sent)["results"]
    assert result["status"] == "accepted"
    assert [warning["field"] for warning in result["warnings"]] == [
        "occured_at", "context.pageurl", "context.utm.name",
    ]  # fmt: skip
    assert "did you mean occurred_at?" in result["warnings"][0]["message"]


def test_each_event_is_judged_by_itself(shared_api: httpx.Client) -> None:
    answer = send(
        shared_api,
        event(event_id="judged-1"),
        event(event_type="no_such_type"),
        event(event_id="judged-1"),
        "not an object",
        sent_at="2015-05-17T12:00:01Z",
    )
    assert statuses(answer) == ["accepted", "rejected", "duplicate", "rejected"]
    counts = {name: answer[name] for name in ("accepted", "duplicate", "rejected", "dropped")}
    assert counts == {"accepted": 1, "duplicate": 1, "rejected": 2, "dropped": 0}


def test_a_batch_s_sent_at_is_stored(
    shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    answer = send(
        shared_api,
        event(),
        event(sent_at="2015-05-17T13:00:00Z"),
        sent_at="2015-05-17T14:00:00+02:00",
    )
    first, second = (r["event_id"] for r in answer["results"])
    assert stored(shared_connection, first)["sent_at"].hour == 12
    assert stored(shared_connection, second)["sent_at"].hour == 13


def test_422_when_every_event_is_rejected(shared_api: httpx.Client) -> None:
    answer = send(shared_api, event(event_type="nope"), event(source=5), status=422)
    assert answer["rejected"] == 2
    assert [wrong_fields(result) for result in answer["results"]] == [["event_type"], ["source"]]
    single = shared_api.post("/v1/events", json={"event_type": "page_vieweed"})
    assert single.status_code == 422
    (error,) = single.json()["results"][0]["errors"]
    assert error["field"] == "event_type"
    assert "did you mean page_viewed?" in error["message"]


def test_an_empty_list_is_nothing_to_complain_of(shared_api: httpx.Client) -> None:
    assert send(shared_api) == {
        "accepted": 0, "duplicate": 0, "rejected": 0, "dropped": 0, "results": [],
    }  # fmt: skip


def test_ages_that_are_accepted(database: str) -> None:
    from tests.ingest_api.support import served

    now = datetime.now(UTC)
    times = [now + timedelta(minutes=59), now + timedelta(minutes=61), now - timedelta(days=29.9),
             now - timedelta(days=30.1)]  # fmt: skip
    with environment(EVENTMILL_ACCEPT_PAST_DAYS="30"), served() as api:
        answer = send(api, *(event(occurred_at=time.isoformat()) for time in times))
    assert statuses(answer) == ["accepted", "rejected", "accepted", "rejected"]
    assert (
        wrong_fields(answer["results"][1]) == wrong_fields(answer["results"][3]) == ["occurred_at"]
    )


def test_old_days_get_partitions(api: httpx.Client, connection: psycopg.Connection) -> None:
    send(api, event(occurred_at="1970-01-01T00:00:00Z"), event(occurred_at="2001-09-09T01:46:40Z"))
    partitions = rows(connection, "select distinct tableoid::regclass::text from raw.events")
    assert sorted(partitions) == [("raw.events_19700101",), ("raw.events_20010909",)]
