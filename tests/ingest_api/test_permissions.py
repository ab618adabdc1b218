"""Who may send what: kind of sender × type of event × actor."""

import re
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.tokens import Caller, issue
from eventmill.core.tracking_plan import tracking_plan
from tests.ingest_api.support import event, new_key, served, statuses, with_key, wrong_fields
from tests.support import environment, rows

PLAN = tracking_plan().event_types
CALLERS = {
    "creator": Caller("creator-1", "creator"),
    "brand": Caller("person-1", "brand", "brand-1"),
    "admin": Caller("admin-1", "admin"),
}
# Written out, so that a change of the plan that lets somebody grant himself something is seen.
CREATORS_ONLY = {"asset_uploaded"}
ADMINS_ONLY = {
    "asset_approved", "asset_rejected",
    "license_created", "license_signed", "license_renewed", "license_expired",
    "royalty_calculated", "royalty_statement_generated", "royalty_paid",
    "email_sent", "webhook_delivered", "job_completed", "error_occurred", "ownership_corrected",
}  # fmt: skip
ANONYMOUS = {"page_viewed", "asset_viewed", "cta_clicked", "experiment_viewed", "page_engaged"}
ALLOWED = {
    "publishable": ANONYMOUS,
    "secret": set(PLAN),
    "creator": set(PLAN) - ADMINS_ONLY - {"project_created"},
    "brand": set(PLAN) - ADMINS_ONLY - CREATORS_ONLY,
    "admin": set(PLAN) - CREATORS_ONLY,
}


@pytest.fixture(scope="module")
def bare_api(module_database: str) -> httpx.Client:
    limits = {"EVENTMILL_EVENTS_PER_MINUTE": "100000"}
    with environment(EVENTMILL_RETENTION_DAYS="0", **limits), served(kind=None) as client:
        yield client


def headers_of(sender: str) -> dict[str, str]:
    if sender in ("publishable", "secret"):
        return with_key(new_key(sender))
    return {"Authorization": f"Bearer {issue(CALLERS[sender])}"}


def post(api: httpx.Client, headers: dict[str, str], *events: Any) -> httpx.Response:
    return api.post("/v1/events", json={"events": list(events)}, headers=headers)


@pytest.mark.parametrize("sender", ALLOWED)
def test_which_types_a_sender_may_send(bare_api: httpx.Client, sender: str) -> None:
    events = [event(event_type=name, anonymous_id="a-1") for name in PLAN]
    answer = post(bare_api, headers_of(sender), *events).json()
    accepted = {
        name
        for name, result in zip(PLAN, answer["results"], strict=True)
        if result["status"] == "accepted"
    }
    assert accepted == ALLOWED[sender]
    for result in answer["results"]:
        if result["status"] == "rejected":
            assert wrong_fields(result) == ["event_type"]


@pytest.mark.parametrize("with_publishable_key", [False, True])
@pytest.mark.parametrize("role", CALLERS)
def test_a_token_says_who_the_actor_is(
    bare_api: httpx.Client,
    shared_connection: psycopg.Connection,
    role: str,
    with_publishable_key: bool,
) -> None:
    caller = CALLERS[role]
    headers = headers_of(role)
    if with_publishable_key:
        headers |= headers_of("publishable")
    answer = post(
        bare_api,
        headers,
        event(),
        event(actor_type=role, actor_id=caller.sub),
        event(actor_type=role, actor_id="somebody-else"),
        event(actor_type="system", actor_id=caller.sub),
        event(actor_id=17),
        event(brand_id="brand-2"),
    ).json()
    others_brand = "rejected" if role == "brand" else "accepted"
    assert statuses(answer) == [*["accepted"] * 2, *["rejected"] * 3, others_brand]
    assert [wrong_fields(result) for result in answer["results"][2:5]] == [
        ["actor_id"], ["actor_type"], ["actor_id"],
    ]  # fmt: skip
    stored = rows(
        shared_connection,
        """
        select actor_type, actor_id, visitor_id, brand_id from raw.events
        where event_id = any(%s)
        """,
        [result["event_id"] for result in answer["results"][:2]],
    )
    assert stored == [(role, caller.sub, caller.sub, caller.brand_id)] * 2


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"actor_type": "user", "actor_id": "u-1"}, ["actor_id", "actor_type"]),
        ({"actor_id": "u-1"}, ["actor_id"]),
        ({"actor_type": "admin"}, ["actor_type"]),
        ({"actor_type": None, "actor_id": ""}, []),
    ],
)
def test_a_publishable_key_names_no_actor(
    bare_api: httpx.Client, fields: dict[str, Any], wrong: list[str]
) -> None:
    answer = post(bare_api, headers_of("publishable"), event(), event(**fields)).json()
    assert statuses(answer) == ["accepted", "rejected" if wrong else "accepted"]
    if wrong:
        assert sorted(wrong_fields(answer["results"][1])) == wrong


def test_a_secret_key_speaks_for_anyone_unless_a_token_says_for_whom(
    bare_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    secret = headers_of("secret")
    anyone = event(event_type="license_created", actor_type="brand", actor_id="person-9")
    assert statuses(post(bare_api, secret, anyone).json()) == ["accepted"]
    both = {**secret, **headers_of("creator")}
    answer = post(bare_api, both, anyone, event(event_type="license_created")).json()
    assert statuses(answer) == ["rejected", "accepted"]
    assert wrong_fields(answer["results"][0]) == ["actor_type", "actor_id"]
    stored = rows(
        shared_connection,
        "select actor_id from raw.events where event_id = %s",
        answer["results"][1]["event_id"],
    )
    assert stored == [("creator-1",)]


def test_403_when_everything_is_refused_and_only_then(bare_api: httpx.Client) -> None:
    headers = headers_of("publishable")
    refused = event(event_type="license_created", props={"revenue_cents": 1})
    answer = post(bare_api, headers, refused, refused)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["ratelimit-remaining"]
    assert answer.json()["status"] == 403
    assert statuses(answer.json()) == ["rejected", "rejected"]
    unknown = event(event_type="no_such_type")
    assert post(bare_api, headers, refused, unknown).status_code == 422
    assert post(bare_api, headers, refused, event()).status_code == 200
    assert post(bare_api, headers, unknown).status_code == 422


def test_events_are_counted_by_key(bare_api: httpx.Client) -> None:
    post(bare_api, headers_of("creator"), event())
    text = bare_api.get("/metrics").text
    assert 'eventmill_ingest_events_total{key="user",status="accepted"}' in text
    assert re.search(r'eventmill_ingest_events_total\{key="[0-9a-f]{8}"', text)
    assert '"key_' not in text
