"""What is refused is kept, can be seen, and can be tried again without counting twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from eventmill.core.tracking_plan import TrackingPlan, load_plan, tracking_plan, use_plan
from eventmill.core.trust import Trust
from ingest_api.keys import KeyKind
from ingest_api.replay import replay
from tests.ingest_api.support import NOON, event, new_key, send, served, with_key
from tests.support import environment, rows, run_eventmill, scalar


@pytest.fixture
def own_plan() -> Iterator[None]:
    """The test may put another tracking plan in force."""
    before = tracking_plan()
    yield
    use_plan(before)


KEPT = "select event_id::text, event, errors, context, sender, key_id from raw.rejected_events"


def test_a_refused_event_is_kept_with_its_reason_and_without_addresses(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    refused = event(event_id="e-1", event_type="nope", props={"ip": "203.0.113.9", "n": 1})
    answer = send(api, event(), refused)
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    ((event_id, kept, errors, context, sender, key_id),) = rows(connection, KEPT)
    assert event_id == answer["results"][1]["event_id"]
    assert json.loads(kept)["props"] == {"n": 1}
    assert errors == answer["results"][1]["errors"]
    assert context["visitor_id"]
    assert sender == {"kind": "secret", "key_id": key_id}
    # The same again, as a client that tries again sends it, adds nothing.
    send(api, refused, status=422)
    assert scalar(connection, "select count(*) from raw.rejected_events") == 1


def test_the_headers_of_a_request_are_not_kept_at_length_with_each_of_its_events(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    long = {"User-Agent": "a" * 20_000, "Referer": "https://a.example/" + "b" * 20_000}
    answer = api.post("/v1/events", json={"events": [{}] * 100}, headers=long)
    assert answer.json()["rejected"] == 100
    kept = [context for _, _, _, context, *_ in rows(connection, KEPT)]
    assert len(kept) == 100
    assert {(len(one["user_agent"]), len(one["referrer"])) for one in kept} == {(1024, 8192)}


@pytest.mark.parametrize(
    "body", [b'{"event_type": "\\ud800"}', b'{"props": {"a": "\\u0000"}}', b"7"]
)
def test_what_no_column_could_hold_is_kept_to_the_letter(
    api: httpx.Client, connection: psycopg.Connection, body: bytes
) -> None:
    answer = api.post("/v1/events", content=b'{"events": [' + body + b"]}")
    assert answer.status_code == 422
    ((event_id, kept, *_),) = rows(connection, KEPT)
    assert json.loads(kept) == json.loads(body)
    assert len(event_id) == 36


def test_a_replay_keeps_who_when_and_what(
    database: str, connection: psycopg.Connection, own_plan: None
) -> None:
    """After the plan learnt a new type: the same as if it had known it, and once."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        anonymous = {"anonymous_id": None}
        send(
            api,
            event(event_id="known", **anonymous),
            event(event_id="new", event_type="model_trained", **anonymous),
        )
        public = with_key(new_key("publishable"))
        sent = {"events": [event(event_id="public", event_type="model_trained")]}
        assert api.post("/v1/events", json=sent, headers=public).status_code == 422
        unfit = event(event_id="unfit", event_type="page_viewed", props={"engagement_ms": -1})
        send(api, unfit, status=422)

        plan = load_plan()
        plan.event_types["model_trained"] = plan.event_types["asset_uploaded"]
        use_plan(plan)
        assert asyncio.run(replay(database)) == Counter(accepted=1, rejected=2)
        assert asyncio.run(replay(database)) == Counter(rejected=2)
    stored = rows(
        connection,
        "select visitor_id, received_at from raw.events where event_type = 'model_trained'",
    )
    known = rows(
        connection,
        "select visitor_id, received_at from raw.events where event_type <> 'model_trained'",
    )
    assert len(stored) == len(known) == 1
    assert stored[0][1] == known[0][1], "the time of its first receipt"
    left = rows(
        connection, "select replayed_as, count(*) from raw.rejected_events group by 1 order by 1"
    )
    assert left == [("accepted", 1), (None, 2)]


@pytest.mark.parametrize("kind", ["secret", "publishable"])
def test_a_replayed_call_is_read_as_if_it_came_today(
    database: str, connection: psycopg.Connection, own_plan: None, kind: KeyKind
) -> None:
    """Its type's name, its properties' and ids' names, and who acted: all by today's plan."""
    properties = {"werkId": "w-1", "dauer": 5000, "title": "An Ode", "projectId": "p-1", "pid": 2}
    message = {"event": "Gedicht Hochgeladen", "userId": "c-1", "anonymousId": "a-1"}
    call = {**message, "properties": properties, "timestamp": NOON, "channel": "server"}
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(kind) as api:
        api.post("/v1/track", json={**call, "messageId": "before"}).raise_for_status()
        assert scalar(connection, "select count(*) from raw.rejected_events") == 1
        plan = load_plan().model_dump()
        plan["event_types"]["asset_uploaded"] |= {
            "aliases": ["Gedicht Hochgeladen"], "anonymous": True,
        }  # fmt: skip
        names = {"werk_id": "ip_asset_id", "dauer": "engagement_ms", "pid": "project_id"}
        plan["prop_aliases"] |= names
        use_plan(TrackingPlan.model_validate(plan))
        assert asyncio.run(replay(database)) == Counter(accepted=1)
        api.post("/v1/track", json={**call, "messageId": "after"}).raise_for_status()
    replayed, sent = rows(
        connection,
        "select event_type, actor_type, actor_id, user_id, anonymous_id, visitor_id, ip_asset_id,"
        " project_id, props_json, trust from raw.events order by received_at",
    )
    assert replayed == sent
    assert sent[0] == "asset_uploaded"
    props = {"engagement_ms": 5000, "title": "An Ode", "pid": 2}
    assert sent[6:] == ("w-1", "p-1", props, Trust[kind.upper()])
    if kind == "secret":
        assert sent[1:3] == ("creator", "c-1"), "who uploads is a creator, says the plan"


def test_the_command_lists_shows_and_replays(database: str, connection: psycopg.Connection) -> None:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        send(api, event(event_type="nope"), status=422)
        future = event(event_type="page_viewed", occurred_at="not a time", event_id="e-2")
        send(api, future, status=422)
    listed = json.loads(run_eventmill("rejected", "list", "--json").stdout)
    assert [one["event"]["event_type"] for one in listed] == ["page_viewed", "nope"]
    text = run_eventmill("rejected", "list").stdout
    assert "is not in the tracking plan" in text
    assert "2 rejected events, 2 shown" in text
    shown = json.loads(run_eventmill("rejected", "show", str(listed[0]["rejected_id"])).stdout)
    assert shown["errors"][0]["field"] == "occurred_at"
    missing = run_eventmill("rejected", "show", "999")
    assert (missing.returncode, missing.stderr) == (
        1,
        "eventmill: there is no rejected event 999\n",
    )
    # The operator knows better what was meant.
    connection.execute(
        "update raw.rejected_events set event = replace(event, 'not a time', %s)", (NOON,)
    )
    replayed = run_eventmill("rejected", "replay", "--json", EVENTMILL_RETENTION_DAYS="0")
    assert json.loads(replayed.stdout) == {"accepted": 1, "duplicate": 0, "rejected": 1}
    assert (
        "0 accepted, 0 were stored already, 1 still rejected"
        in run_eventmill("rejected", "replay").stdout
    )
    assert scalar(connection, "select count(*) from raw.events") == 1
