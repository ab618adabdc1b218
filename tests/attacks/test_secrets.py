"""Keys and tokens that somebody sends in the wrong place, and who may read what is kept."""

import json
import logging

import httpx
import psycopg
import pytest

from eventmill.core.database import dagster_database_url, url_without_password
from eventmill.core.logs import JsonLines
from eventmill.core.secret_files import tighten_home
from eventmill.core.settings import get_settings
from orchestration.instance import storage_url
from tests.attacks.conftest import Sends
from tests.ingest_api.support import event
from tests.support import environment, rows

KEY = "emk_sec_" + "A1b2_-" * 5 + "xy"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWxsb3J5In0.c2lnbmF0dXJl"
EVERYWHERE = """
select coalesce(string_agg(t::text, ' '), '') from (
    select events::text as t from raw.events
    union all select rejected_events::text from raw.rejected_events
    union all select identities::text from raw.identities
) as everything
"""


@pytest.mark.parametrize("secret", [KEY, TOKEN], ids=["key", "token"])
def test_no_secret_is_kept(
    secret: str, shared_api: httpx.Client, our_server: Sends, shared_connection: psycopg.Connection
) -> None:
    kept = {
        "anonymous_id": secret[:200],
        "session_id": f"s-{secret}"[:200] if secret is KEY else secret[:200],
        "props": {"note": f"line\n{secret}", "deep": [{secret: f"is {secret}."}]},
        "context": {
            "page_url": f"https://a.example/{secret}?x={secret}",
            "user_agent": f"app ({secret})",
            "utm": {"campaign": secret},
        },
    }
    accepted = our_server(event(**kept), event(**kept, event_type="asset_viewed"))
    assert accepted["accepted"] == 2
    refused = our_server(
        event(**kept, event_type=f"x {secret}"),
        event(**kept, occurred_at=secret),
        event(**{**kept, "props": {"engagement_ms": secret}}),
        secret,
    )
    assert refused["rejected"] == 4
    call = {"type": "identify", "userId": "u-1", "anonymousId": f"{secret}"[:200]}
    shared_api.post("/v1/batch", json={"batch": [call]}).raise_for_status()
    text = rows(shared_connection, EVERYWHERE)[0][0]
    assert secret not in text
    assert secret[:40] not in text
    assert "redacted" in text


def test_who_sends_a_secret_as_an_id_is_told_from_others(
    our_server: Sends, shared_connection: psycopg.Connection
) -> None:
    our_server(event(anonymous_id=KEY), event(anonymous_id=KEY[:-2] + "zz"))
    query = (
        "select count(distinct anonymous_id) from raw.events where anonymous_id like 'redacted-%'"
    )
    assert rows(shared_connection, query)[0][0] >= 2


def test_no_secret_is_logged() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "got %s", (f"key {KEY} {TOKEN}",), None)
    line = JsonLines().format(record)
    assert json.loads(line)["message"] == "got key redacted redacted"


def test_no_password_is_in_a_command_line_or_in_dagster_yaml() -> None:
    password = "p:a\\ss word"
    url = "postgresql://me:p%3Aa%5Css%20word@db.example:5433/numbers?sslmode=require"
    with environment(EVENTMILL_DATABASE_URL=url):
        for shown in (url_without_password(url, "database"), storage_url()):
            assert "word" not in shown
            assert "passfile=" in shown
        file = get_settings().home / "secrets" / "pgpass-dagster"
        assert file.read_text() == "*:*:*:*:p\\:a\\\\ss word\n"
        assert file.stat().st_mode & 0o777 == 0o600
        parts = psycopg.conninfo.conninfo_to_dict(url_without_password(dagster_database_url(), "x"))
        assert (parts["host"], parts["user"], parts["sslmode"]) == ("db.example", "me", "require")
    assert password.endswith("word")


def test_a_home_is_tightened(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o755)
    (home / "logs").mkdir(mode=0o755)
    (home / "postgres").mkdir(mode=0o755)
    (home / "eventmill.env").write_text("EVENTMILL_RETENTION_DAYS=0\n")
    (home / "eventmill.env").chmod(0o644)
    with environment(EVENTMILL_HOME=str(home)):
        tighten_home()
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()}
    assert home.stat().st_mode & 0o066 == 0
    assert modes["eventmill.env"] == 0o600
    assert modes["logs"] == modes["dagster"] == 0o700
    assert modes["postgres"] == 0o755
