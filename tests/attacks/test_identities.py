"""A stranger who says that others are them has nobody else erased, and sees nobody else's data."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.tokens import Caller, issue
from tests.attacks.conftest import Sends
from tests.ingest_api.support import NOON, event, new_key, with_key
from tests.support import rows, run_eventmill, scalar

ATTACKER = "attacker-9"
VICTIMS = ("buyer-88", "creator-77", "device-of-66")
WORD = "newsletter"
OTHERS = "select to_jsonb(e) from raw.events as e where session_id = 'theirs' order by event_id"


@pytest.fixture(scope="module")
def admin() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        client.headers["Authorization"] = f"Bearer {issue(Caller('root', 'admin'))}"
        yield client


@pytest.fixture(scope="module", autouse=True)
def world(
    shared_api: httpx.Client,
    our_server: Sends,
    stranger: Sends,
    shared_connection: psycopg.Connection,
) -> None:
    """Three people and a campaign; and a stranger with an account claims all of them."""
    sale = {"event_type": "license_created", "ip_asset_id": "a", "occurred_at": NOON}
    theirs = {"session_id": "theirs", "context": {"utm": {"campaign": WORD}}}
    our_server(
        *(
            event(**sale, **theirs, license_id=f"l-{name}", actor_type="user", actor_id=name,
                  props={"revenue_cents": 500_000, "note": f"from the {WORD}"})
            for name in VICTIMS[:2]
        ),
        event(actor_type="user", actor_id=ATTACKER, session_id="own"),
    )  # fmt: skip
    stranger(
        event(anonymous_id=VICTIMS[2], **theirs),
        event(anonymous_id=WORD, **theirs),
        event(anonymous_id="device-of-9", user_id=ATTACKER, session_id="claim"),
        event(anonymous_id=VICTIMS[0], session_id="namesake"),
    )
    public = with_key(new_key("publishable"))
    for name in (*VICTIMS, WORD):
        for call in ({"anonymousId": name}, {"previousId": name}):
            path = "/v1/identify" if "anonymousId" in call else "/v1/alias"
            answer = shared_api.post(path, json={**call, "userId": ATTACKER}, headers=public)
            assert answer.status_code == 200
    # A user of the marketplace proves who they are, and not whom they name.
    own = {"Authorization": f"Bearer {issue(Caller(ATTACKER, 'creator'))}"}
    shared_api.post("/v1/identify", json={"anonymousId": VICTIMS[1]}, headers=own)


def test_what_is_claimed_is_listed_and_not_shown(
    admin: TestClient, shared_connection: psycopg.Connection
) -> None:
    held = admin.get(f"/v1/subjects/{ATTACKER}").json()
    assert {row["session_id"] for row in held["events"]} == {"own"}
    key = scalar(
        shared_connection, "select key_id from raw.identities where anonymous_id = %s", WORD
    )
    claimed = {row["id"]: (row["kind"], row["events"], row["key_id"]) for row in held["claimed"]}
    device = claimed.pop("device-of-9")
    assert device[:2] == ("anonymous_id", 1)
    assert claimed == {
        # The events of `buyer-88`, the user, are none of them: a namesake's are.
        VICTIMS[0]: ("anonymous_id", 1, key),
        VICTIMS[2]: ("anonymous_id", 1, key),
        WORD: ("anonymous_id", 1, key),
    }


def test_a_stranger_who_uses_ones_name_is_not_oneself(
    admin: TestClient, shared_connection: psycopg.Connection
) -> None:
    held = admin.get(f"/v1/subjects/{VICTIMS[0]}").json()
    assert {row["session_id"] for row in held["events"]} == {"theirs"}
    assert held["claimed"] == []


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    admin: TestClient, shared_connection: psycopg.Connection
) -> None:
    before = everything(shared_connection)
    would = admin.delete(f"/v1/subjects/{ATTACKER}", params={"dry_run": True}).json()
    assert would["removed"]["raw.events"] == 1
    assert VICTIMS[1] in would["ids"], "the token's link is theirs, of an anonymous id"
    params: dict[str, Any] = {"dry_run": True, "include": [WORD, "device-of-9"]}
    more = admin.delete(f"/v1/subjects/{ATTACKER}", params=params).json()
    assert more["removed"]["raw.events"] == 3
    assert {row["id"] for row in more["claimed"]} == {VICTIMS[0], VICTIMS[2]}
    shown = run_eventmill("subjects", "erase", ATTACKER, "--dry-run", "--include", WORD)
    assert '"raw.events": 2' in shown.stdout, shown.stderr
    assert everything(shared_connection) == before


def test_nobody_is_included_whom_nobody_claims(admin: TestClient) -> None:
    for call in (admin.get, admin.delete):
        answer = call(f"/v1/subjects/{ATTACKER}", params={"include": VICTIMS[1]})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["include"]


def test_the_erasure_of_a_stranger_takes_nobody_else(
    admin: TestClient, shared_connection: psycopg.Connection
) -> None:
    """Last, as nothing is left to be claimed after it."""
    before = rows(shared_connection, OTHERS)
    assert len(before) == 4
    answer = admin.delete(f"/v1/subjects/{ATTACKER}")
    assert answer.json()["removed"]["raw.events"] == 1
    assert rows(shared_connection, OTHERS) == before
    named = "select session_id from raw.events as e where e::text like '%%attacker-9%%'"
    assert rows(shared_connection, named) == []
    left = rows(shared_connection, "select session_id from raw.events where session_id = 'claim'")
    assert left == [("claim",)], "what a browser said of them is no event of theirs"


def everything(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    query = """
    select to_jsonb(e)::text from raw.events as e
    union all select to_jsonb(i)::text from raw.identities as i order by 1
    """
    return rows(connection, query)
