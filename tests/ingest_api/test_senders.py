"""Who may send at all: keys and tokens that are good, and everything that is not."""

import base64
import itertools
import json
import subprocess
import sys
import time
from datetime import timedelta

import httpx
import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue
from ingest_api.keys import hash_key, list_keys, revoke_key
from tests.ingest_api.support import event, new_key, send, served, with_key
from tests.support import environment, rows, run_eventmill, scalar, wait_until

VIEW = {"event_type": "page_viewed"}


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(caller: Caller, lifetime: timedelta = timedelta(hours=1)) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(caller, lifetime)}"}


@pytest.fixture(scope="module")
def bare_api(module_database: str) -> httpx.Client:
    """A service, and a client that sends no credentials of its own."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served(kind=None) as client:
        yield client


def test_a_key_in_a_header_or_as_basic_user_name(bare_api: httpx.Client) -> None:
    for kind in ("publishable", "secret"):
        key = new_key(kind)
        for headers in (with_key(key), basic(key), basic(key, "anything")):
            assert bare_api.post("/v1/events", json=VIEW, headers=headers).status_code == 200


def test_a_user_s_token_with_and_without_a_key(
    bare_api: httpx.Client, module_database: str
) -> None:
    """And how much each sender's word counts."""
    public, secret = with_key(new_key("publishable")), with_key(new_key())
    token = bearer(Caller("u-1", "creator"))
    senders = {"public": public, "secret": secret, "token": token}
    senders |= {"token, public": token | public, "token, secret": token | secret}
    for name, headers in senders.items():
        answer = bare_api.post("/v1/events", json=VIEW | {"session_id": name}, headers=headers)
        assert answer.status_code == 200
    with connect(module_database) as connection:
        found = rows(
            connection,
            "select session_id, trust from raw.events where session_id = any(%s)", list(senders),
        )  # fmt: skip
    assert dict(found) == {
        "public": 1, "token": 2, "token, public": 2, "secret": 3, "token, secret": 3,
    }  # fmt: skip


WRONG = {
    "nothing": ({}, "no credentials"),
    "an empty key": (with_key(""), "no credentials"),
    "an unknown key": (with_key("emk_sec_" + "0" * 32), "unknown or was revoked"),
    "no key at all": (with_key("secret"), "unknown or was revoked"),
    "an unknown Basic user": (basic("emk_pub_" + "0" * 32), "unknown or was revoked"),
    "an empty Basic user": (basic(""), "no credentials"),
    "no Basic": ({"Authorization": "Basic §"}, "no HTTP Basic"),
    "another scheme": ({"Authorization": "Digest x"}, "neither Basic nor Bearer"),
    "no token": ({"Authorization": "Bearer"}, "no credentials"),
    "a broken token": ({"Authorization": "Bearer a.b.c"}, "bearer token is not valid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_credentials_are_401_and_a_problem(bare_api: httpx.Client, name: str) -> None:
    headers, said = WRONG[name]
    raw = {key: value.encode() for key, value in headers.items()}
    answer = bare_api.post("/v1/events", json=VIEW, headers=raw)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert said in answer.json()["detail"]


def test_wrong_tokens_are_401_even_beside_a_good_key(bare_api: httpx.Client) -> None:
    expired = bearer(Caller("u-1", "admin"), timedelta(minutes=-1))
    odd = bearer(Caller("u\0", "admin"))
    long = bearer(Caller("u" * 201, "admin"))
    for token in (expired, odd, long, {"Authorization": "Bearer x"}):
        for key in ({}, with_key(new_key())):
            answer = bare_api.post("/v1/events", json=VIEW, headers={**token, **key})
            assert answer.status_code == 401, answer.text


def test_a_good_token_beside_a_wrong_key_is_401(bare_api: httpx.Client) -> None:
    headers = {**bearer(Caller("u-1", "admin")), **with_key("emk_pub_" + "1" * 32)}
    assert bare_api.post("/v1/events", json=VIEW, headers=headers).status_code == 401


def test_a_stranger_s_body_is_not_parsed(bare_api: httpx.Client) -> None:
    assert bare_api.post("/v1/events", content=b"{").status_code == 401


def test_a_key_works_as_soon_as_it_is_made(bare_api: httpx.Client) -> None:
    """Also when the service has just looked for another unknown key."""
    unknown = with_key("emk_pub_" + "2" * 32)
    assert bare_api.post("/v1/events", json=VIEW, headers=unknown).status_code == 401
    assert bare_api.post("/v1/events", json=VIEW, headers=with_key(new_key())).status_code == 200


def test_many_unknown_keys_ask_the_database_once_a_second(
    bare_api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[float] = []
    senders = sys.modules["ingest_api.senders"]
    read = senders.Senders._read

    async def counted(self: object) -> None:
        reads.append(time.monotonic())
        await read(self)

    monkeypatch.setattr(senders.Senders, "_read", counted)
    for number in range(3):
        headers = with_key(f"emk_pub_{number:032}")
        assert bare_api.post("/v1/events", json=VIEW, headers=headers).status_code == 401
    pauses = [later - earlier for earlier, later in itertools.pairwise(reads)]
    assert all(pause > 0.9 for pause in pauses)


def test_a_revoked_key_stops_working(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_api.senders.REFRESH_SECONDS", 0.05)
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        send(api, event())
        (key,) = list_keys(connection)
        revoke_key(connection, key.key_id)
        wait_until(lambda: api.post("/v1/events", json=VIEW).status_code == 401)


def test_keys_are_known_while_the_database_is_away(
    database: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts then reads the set that was kept on disk; others it cannot judge."""
    key, later = new_key(), new_key()
    connection.execute("delete from raw.write_keys where key_hash = %s", (hash_key(later),))
    with environment(EVENTMILL_RETENTION_DAYS="0"):
        with served(kind=None) as api:
            assert api.post("/v1/events", json=VIEW, headers=with_key(key)).status_code == 200
        kept = get_settings().spool_folder / "write_keys.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert key not in kept.read_text()
        monkeypatch.setattr("ingest_api.senders.VALID", "select no_such_column from raw.write_keys")
        with served(kind=None) as api:
            assert api.post("/v1/events", json=VIEW, headers=with_key(key)).status_code == 200
            unknown = api.post("/v1/events", json=VIEW, headers=with_key(later))
            assert unknown.status_code == 503
            assert unknown.headers["retry-after"]


def test_keys_of_another_database_are_not_believed(database: str) -> None:
    kept = get_settings().spool_folder / "write_keys.json"
    key = new_key()
    kept.parent.mkdir(parents=True, exist_ok=True)
    row = [hash_key(key).hex(), "key_1", "secret"]
    kept.write_text(json.dumps({"database": "elsewhere:5432/other", "keys": [row]}))
    from ingest_api.kept_keys import KeptKeys

    assert KeptKeys(database).read() == {}
    kept.write_text("{")
    assert KeptKeys(database).read() == {}


def test_the_command_line_makes_lists_and_revokes_keys(
    database: str, connection: psycopg.Connection
) -> None:
    made = run_eventmill("keys", "create", "web shop", "--kind", "publishable")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n"
    assert key.startswith("emk_pub_")
    assert len(key) == 40
    stored = "select string_agg(write_keys::text, ' ') from raw.write_keys"
    assert key not in scalar(connection, stored)
    (listed,) = json.loads(run_eventmill("keys", "list", "--json").stdout)
    assert (listed["name"], listed["kind"], listed["revoked_at"]) == (
        "web shop",
        "publishable",
        None,
    )
    for _ in range(2):
        revoked = run_eventmill("keys", "revoke", listed["key_id"])
        assert revoked.returncode == 0, revoked.stderr
    (listed,) = json.loads(run_eventmill("keys", "list", "--json").stdout)
    assert listed["revoked_at"]
    assert "web shop" in run_eventmill("keys", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--kind", "public"), "unknown kind 'public'"),
        (("create", "", "--kind", "secret"), "a key's name must have 1 to 200 characters"),
        (("revoke", "key_0"), "there is no write key 'key_0'"),
    ],
)
def test_what_the_command_line_refuses_is_one_line(
    module_database: str, arguments: tuple[str, ...], said: str
) -> None:
    result: subprocess.CompletedProcess[str] = run_eventmill("keys", *arguments)
    assert result.returncode == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
