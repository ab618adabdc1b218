"""No address anywhere, no personal data in URLs, and nothing of those who opted out."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.requests import Request

from eventmill.core.settings import child_environment
from ingest_api.arrival import opted_out
from ingest_api.privacy import IP_FIELDS, scrub_json
from tests.ingest_api.support import (
    NOON,
    event,
    new_key,
    send,
    statuses,
    with_key,
)
from tests.support import free_port, rows, scalar, wait_until

ADDRESS = "198.51.100.77"
ADDRESS6 = "2001:db8:7::77"
HEADERS = {
    "X-Forwarded-For": f"{ADDRESS6}, {ADDRESS}",
    "Forwarded": f'for="[{ADDRESS6}]"',
    "X-Real-IP": ADDRESS,
    "CF-Connecting-IP": ADDRESS,
    "True-Client-IP": ADDRESS,
}
EMAIL = "jane.doe@example.com"
SECRET = "s3cr3t-value"
TABLES = """
select format('%I.%I', n.nspname, c.relname)
from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
"""
LINK = f"https://market.example/reset?token={SECRET}&contact={EMAIL}&utm_term={EMAIL}&page=2"


@pytest.fixture
def service(database: str, tmp_path: Path) -> Iterator[tuple[httpx.Client, Path, Path]]:
    """The service as a process of its own that logs all it can; its client, log and spool."""
    port = free_port()
    log, home = tmp_path / "log", tmp_path / "home"
    command = [
        sys.executable, "-m", "uvicorn", "ingest_api.app:create_app", "--factory",
        "--port", str(port), "--log-level", "trace",
    ]  # fmt: skip
    environment = child_environment(
        EVENTMILL_HOME=str(home),
        EVENTMILL_LOG_LEVEL="debug",
        EVENTMILL_RETENTION_DAYS="0",
        EVENTMILL_EVENTS_PER_MINUTE="10",
        PYTHONUNBUFFERED="1",
    )
    headers = {**HEADERS, **with_key(new_key())}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client,
    ):
        try:
            wait_until(lambda: _is_ready(client) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield client, log, home
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def all_that_is_stored(connection: psycopg.Connection) -> dict[str, str]:
    """Every table's content as text."""
    return {
        table: scalar(connection, f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
        for (table,) in rows(connection, TABLES)
    }


def test_no_address_in_any_table_log_or_file(
    service: tuple[httpx.Client, Path, Path], connection: psycopg.Connection
) -> None:
    client, log, home = service
    ip_props = {
        "ip": ADDRESS,
        "clientIp": ADDRESS,
        "deep": [{"x-forwarded-for": ADDRESS, "ip_address": ADDRESS6}],
        "title": "kept",
    }
    page = {"page_url": f"https://market.example/?ip={ADDRESS}"}
    answers = [
        client.post("/v1/events", json=event(anonymous_id=None, ip=ADDRESS, props=ip_props)),
        client.post("/v1/events", json=event(context={**page, "ip": ADDRESS})),
        # Refused, and so kept: an unknown type, a wrong property, half a surrogate pair.
        client.post("/v1/events", json=event(event_type="nope", ip=ADDRESS, props=ip_props)),
        client.post("/v1/events", json=event(props={**ip_props, "revenue_cents": "x"})),
        client.post(
            "/v1/events",
            content=json.dumps(event(props={"half": "\ud83d", "ip": ADDRESS}, context=page)),
        ),
        client.post(
            "/v1/track",
            json={
                "event": "No Such Thing",
                "anonymousId": "a",
                "context": {"ip": ADDRESS, "page": {"url": page["page_url"]}},
            },
        ),
        client.post(
            "/v1/batch",
            json={"batch": [{"type": "page", "anonymousId": "b", "context": {"ip": ADDRESS}}]},
        ),
        client.post("/v1/identify", json={"userId": "u", "traits": {"ip": ADDRESS}}),
        client.post("/v1/events", content=b"not json"),
        client.post("/v1/events", json=event(), headers=with_key("emk_sec_wrong")),
        *(
            client.post("/v1/events", json=event(), headers=with_key(new_key("publishable")))
            for _ in range(12)
        ),
    ]
    assert [answer.status_code for answer in answers[:10]] == [
        200, 200, 422, 422, 422, 200, 200, 200, 400, 401,
    ]  # fmt: skip
    assert scalar(connection, "select count(*) from raw.rejected_events") == 4
    kept = "select props_json from raw.events where props_json ? 'title'"
    assert rows(connection, kept) == [({"deep": [{}], "title": "kept"},)]
    texts = all_that_is_stored(connection)
    texts["/metrics"] = client.get("/metrics").text
    texts["the log"] = log.read_text(errors="replace")
    for path in home.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode("latin-1")
    texts |= {f"answer {number}": answer.text for number, answer in enumerate(answers)}
    assert "raw.events_20150517" in texts
    for place, text in texts.items():
        for address in (ADDRESS, ADDRESS6, "127.0.0.1:"):
            if address == "127.0.0.1:" and place == "the log":
                text = text.replace("http://127.0.0.1:", "")  # where the service listens
            assert address not in text, place


def test_no_personal_data_of_urls_in_any_table(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    context = {"page_url": LINK, "landing_page": LINK, "referrer": LINK}
    answer = send(
        api,
        event(context=context),
        event(event_type="cta_clicked", props={"href": LINK, "label": "kept"}),
        event(event_type="nope", context=context, props={"href": LINK}),
    )
    assert statuses(answer) == ["accepted", "accepted", "rejected"]
    headers = {"Referer": LINK}
    assert api.post("/v1/events", json=event(), headers=headers).status_code == 200
    assert api.post("/v1/events", json=event(event_type="no"), headers=headers).status_code == 422
    for table, text in all_that_is_stored(connection).items():
        assert EMAIL not in text, table
        assert SECRET not in text, table
    clean = "https://market.example/reset?token=redacted&contact=redacted&utm_term=redacted&page=2"
    found = rows(
        connection,
        "select page_url, landing_page, referrer, utm_term from raw.events where page_url <> ''",
    )
    assert found == [(clean, clean, clean, "redacted")]
    props = scalar(connection, "select props_json from raw.events where event_type = 'cta_clicked'")
    assert props == {"href": clean, "label": "kept"}


@pytest.mark.parametrize("header", [{"DNT": "1"}, {"Sec-GPC": "1"}, {"dnt": "1", "sec-gpc": "0"}])
def test_who_opted_out_is_counted_and_not_stored(
    api: httpx.Client, connection: psycopg.Connection, header: dict[str, str]
) -> None:
    body = {"events": [event(), event(event_type="nope"), event(event_id="mine")]}
    answer = api.post("/v1/events", json=body, headers=header)
    assert answer.status_code == 200
    assert (answer.json()["dropped"], answer.json()["accepted"]) == (3, 0)
    assert statuses(answer.json()) == ["dropped"] * 3
    track = {"event": "Asset Viewed", "anonymousId": "a", "userId": "u"}
    for path, call in (("track", track), ("identify", {"userId": "u", "anonymousId": "a"})):
        assert api.post(f"/v1/{path}", json=call, headers=header).status_code == 200
    for table in ("events", "event_ids", "rejected_events", "identities", "visitor_salts"):
        assert scalar(connection, f"select count(*) from raw.{table}") == 0, table
    counted = [line for line in api.get("/metrics").text.splitlines() if 'status="dropped"' in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) >= 4, counted


@pytest.mark.parametrize(
    "headers", [{}, {"dnt": "0"}, {"dnt": "unspecified"}, {"sec-gpc": "0"}, {"sec-gpc": "true"}]
)
def test_anything_but_1_is_no_opt_out(headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert not opted_out(Request({"type": "http", "headers": sent}))


def test_a_refused_payload_is_kept_to_the_letter_but_for_addresses_and_urls() -> None:
    def nested(levels: int) -> Any:
        value: Any = "leaf"
        for _ in range(levels):
            value = {"d": [value]}
        return value

    sent = {
        "event_type": "nope",
        "occurred_at": NOON,
        "props": {"ship": 1, "zip": "80331", "for": 3, "tip": "x", "email": EMAIL, "n": 1e300},
        "context": {"referrer": "https://a.example/?q=a%20b", "ip": ADDRESS},
        "list": ["/x?token=1", 5, None, True],
    }
    assert scrub_json(sent) == {
        **sent,
        "context": {"referrer": "https://a.example/?q=a%20b"},
        "list": ["/x?token=redacted", 5, None, True],
    }
    for name in IP_FIELDS:
        assert scrub_json({name: ADDRESS, name.upper(): ADDRESS, f"_{name}": ADDRESS}) == {}
    assert "redacted" in json.dumps(scrub_json(nested(400)))
    for value in (5, None, "text", [], [[ADDRESS]]):
        assert scrub_json(value) == value
