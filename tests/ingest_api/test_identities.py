"""Which links between anonymous ids and users are kept, and which of two that disagree."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.tokens import Caller, issue
from ingest_api.identities import KnownLinks, Link, strongest
from tests.ingest_api.support import NOON, event, new_key, served, with_key
from tests.support import environment, rows

ME = "creator-1"


@pytest.fixture(scope="module")
def bare_api(module_database: str) -> Iterator[httpx.Client]:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(None) as client:
        yield client


@pytest.fixture(scope="module")
def keys(bare_api: httpx.Client) -> dict[str, dict[str, str]]:
    token = issue(Caller(ME, "creator"))
    return {
        "secret": with_key(new_key("secret")),
        "publishable": with_key(new_key("publishable")),
        "user": {"Authorization": f"Bearer {token}"},
    }


@pytest.fixture
def anonymous_id(request: pytest.FixtureRequest) -> str:
    """One that no other test uses: what was linked once is remembered."""
    return request.node.name


def send(api: httpx.Client, headers: dict[str, str], path: str, **message: Any) -> None:
    body = json.dumps({"timestamp": NOON, **message})
    answer = api.post(path, content=body, headers=headers)
    assert answer.status_code == 200, answer.text


def link(connection: psycopg.Connection, anonymous_id: str) -> list[tuple[Any, ...]]:
    query = "select user_id, verified from raw.identities where anonymous_id = %s"
    return rows(connection, query, anonymous_id)


@pytest.mark.parametrize(
    ("sender", "verified"), [("secret", True), ("user", True), ("publishable", False)]
)
@pytest.mark.parametrize("path", ["/v1/identify", "/v1/i"])
def test_who_vouches(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str,
    sender: str, verified: bool, path: str,
) -> None:  # fmt: skip
    send(bare_api, keys[sender], path, anonymousId=anonymous_id, userId=ME, traits={"a": 1})
    assert link(shared_connection, anonymous_id) == [(ME, verified)]
    assert rows(shared_connection, "select * from raw.events") == []


def test_a_token_vouches_for_its_user_only(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    send(bare_api, keys["user"], "/v1/identify", anonymousId=anonymous_id, userId="somebody else")
    assert link(shared_connection, anonymous_id) == []


def test_a_claim_gives_way_and_never_comes_back(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    for sender, user, expected in [
        ("publishable", "u-1", ("u-1", False)),
        ("publishable", "u-2", ("u-1", False)),
        ("user", ME, (ME, True)),
        ("secret", "u-3", ("u-3", True)),
        ("secret", "u-4", ("u-3", True)),
        ("user", ME, ("u-3", True)),
        ("publishable", "u-1", ("u-3", True)),
    ]:
        send(bare_api, keys[sender], "/v1/identify", anonymousId=anonymous_id, userId=user)
        assert link(shared_connection, anonymous_id) == [expected]


def test_an_id_and_a_user_of_one_name_are_two_and_can_be_linked(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection
) -> None:
    send(bare_api, keys["secret"], "/v1/identify", anonymousId="same", userId="same")
    assert link(shared_connection, "same") == [("same", True)]


def test_when_and_by_which_key(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    """A claim's time is that of its receipt, whatever the browser says."""
    send(bare_api, keys["publishable"], "/v1/identify", anonymousId=anonymous_id, userId="u-1")
    send(bare_api, keys["publishable"], "/v1/identify", anonymousId=anonymous_id, userId="u-2")
    query = """
    select actor_id, links.verified, now() - links.received_at < interval '1 minute', kind, trust
    from rules.links
    inner join raw.identities using (anonymous_id)
    inner join raw.write_keys using (key_id)
    where anonymous_id = %s
    """
    assert rows(shared_connection, query, anonymous_id) == [("u-1", False, True, "publishable", 1)]
    send(bare_api, keys["secret"], "/v1/identify", anonymousId=anonymous_id, userId="u-1")
    assert rows(shared_connection, query, anonymous_id) == [("u-1", True, True, "secret", 3)]


def test_alias(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    send(bare_api, keys["secret"], "/v1/alias", previousId=anonymous_id, userId=ME)
    assert link(shared_connection, anonymous_id) == [(ME, True)]


@pytest.mark.parametrize(
    "message",
    [
        {"userId": "u"}, {"anonymousId": "a"},
        {"anonymousId": "a" * 201, "userId": "u"}, {"anonymousId": "a\0", "userId": "u"},
        {"anonymousId": ["a"], "userId": {"u": 1}}, {"anonymousId": "\ud800", "userId": "u"},
    ],
)  # fmt: skip
def test_what_is_no_pair_is_taken_and_ignored(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, message: dict
) -> None:
    before = rows(shared_connection, "select * from raw.identities order by 1")
    send(bare_api, keys["secret"], "/v1/identify", **message)
    assert rows(shared_connection, "select * from raw.identities order by 1") == before


def test_events_link_too(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    """By any route: somebody who logs in goes on with the anonymous id of before."""
    names = [f"{anonymous_id}-{number}" for number in range(4)]
    acts = {"actor_type": "creator", "actor_id": ME}
    for name, sender, fields in [
        (names[0], "user", {}),
        (names[1], "secret", acts),
        (names[2], "publishable", {"user_id": ME}),
        (names[3], "secret", {"actor_type": "system", "actor_id": "cron"}),
    ]:
        sent = event(anonymous_id=name, **fields)
        answer = bare_api.post("/v1/events", json=sent, headers=keys[sender])
        assert answer.status_code == 200, answer.text
    found = [link(shared_connection, name) for name in names]
    assert found == [[(ME, True)], [(ME, True)], [(ME, False)], []]
    shared_connection.execute("delete from raw.events")


def test_nothing_of_who_opted_out_is_kept(
    bare_api: httpx.Client, keys: dict, shared_connection: psycopg.Connection, anonymous_id: str
) -> None:
    headers = {**keys["publishable"], "Sec-GPC": "1"}
    send(bare_api, headers, "/v1/identify", anonymousId=anonymous_id, userId=ME)
    assert link(shared_connection, anonymous_id) == []


def test_links_count_as_events_do(bare_api: httpx.Client, anonymous_id: str) -> None:
    """Nobody fills the table with a key that is in every page."""
    with environment(EVENTMILL_EVENTS_PER_MINUTE="2"), served("publishable") as api:
        sent = {"anonymousId": anonymous_id, "userId": ME}
        answers = [api.post("/v1/identify", json=sent).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_one_link_of_many() -> None:
    claims = [Link("b", "u-1", NOON), Link("a", "u-2", NOON)]
    proofs = [Link("b", f"u-{trust}", NOON, trust=trust) for trust in (2, 3, 3)]
    assert strongest([*claims, *proofs]) == [claims[1], proofs[1]]


def test_what_is_known_is_not_sent_again() -> None:
    known = KnownLinks(size=2)
    claim, proof = Link("a", "u-1", NOON), Link("a", "u-2", NOON, trust=2)
    assert known.new([claim]) == [claim]
    known.remember([claim])
    assert known.new([claim, proof]) == [proof]
    known.remember([proof])
    assert known.new([claim, proof]) == []
    known.remember([Link("b", "u", NOON, trust=3), Link("c", "u", NOON, trust=3)])
    assert known.new([proof]) == [proof]  # only so many are remembered
