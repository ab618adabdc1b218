"""Who a visitor is, and that no address is kept."""

import re
from typing import Any

import httpx
import psycopg

from tests.ingest_api.support import event, send, served
from tests.support import environment, rows, scalar

ADDRESS = "203.0.113.77"
TABLES = """
select format('%I.%I', n.nspname, c.relname)
from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname in ('raw', 'enrichment', 'ops', 'public')
"""


def visitors(
    api: httpx.Client,
    connection: psycopg.Connection,
    agent: str,
    address: str,
    *events: dict[str, Any],
) -> list[str]:
    headers = {"User-Agent": agent, "X-Forwarded-For": address}
    answer = api.post("/v1/events", json={"events": list(events)}, headers=headers).json()
    found = dict(rows(connection, "select event_id::text, visitor_id from raw.events"))
    return [found[result["event_id"]] for result in answer["results"]]


def anonymous(**fields: str) -> dict[str, Any]:
    return event(**{"anonymous_id": None, **fields})


def test_the_order_of_ids(api: httpx.Client, connection: psycopg.Connection) -> None:
    actor = event(actor_type="user", actor_id="u-1", anonymous_id="a-1")
    found = visitors(api, connection, "A", ADDRESS, actor, event(anonymous_id="a-1"), anonymous())
    assert found[:2] == ["u-1", "anon:a-1"]
    assert re.fullmatch(r"hash:[0-9a-f]{32}", found[2])


def test_the_hash_tells_address_agent_and_day_apart(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    next_day = anonymous(occurred_at="2015-05-18T00:00:00Z")
    one, same, other_day = visitors(
        api, connection, "A", ADDRESS, anonymous(), anonymous(), next_day
    )
    (other_agent,) = visitors(api, connection, "B", ADDRESS, anonymous())
    (other_address,) = visitors(api, connection, "A", "203.0.113.78", anonymous())
    assert one == same
    assert len({one, other_day, other_agent, other_address}) == 4


def test_processes_share_a_day_s_salt(database: str, connection: psycopg.Connection) -> None:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as one, served() as other:
        assert visitors(one, connection, "A", ADDRESS, anonymous()) == visitors(
            other, connection, "A", ADDRESS, anonymous()
        )
    assert scalar(connection, "select count(*) from raw.visitor_salts") == 1


def test_salts_are_destroyed_48_hours_after_they_were_made(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        """
        insert into raw.visitor_salts (day, salt, created_at) values
        ('2015-05-17', '\\x01', now() - interval '48 hours 1 second'),
        ('2015-05-18', '\\x02', now() - interval '47 hours')
        """
    )
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        found = visitors(
            api,
            connection,
            "A",
            ADDRESS,
            anonymous(),
            anonymous(occurred_at="2015-05-18T00:00:00Z"),
        )
    salts = dict(rows(connection, "select day::text, salt from raw.visitor_salts"))
    assert salts.keys() == {"2015-05-17", "2015-05-18"}
    assert salts["2015-05-18"] == b"\x02"
    assert len(salts["2015-05-17"]) == 32
    assert found[0] != found[1]


def test_no_table_holds_an_address(api: httpx.Client, connection: psycopg.Connection) -> None:
    headers = {"X-Forwarded-For": ADDRESS}
    api.post("/v1/events", json={"events": [anonymous(), event()]}, headers=headers)
    send(api, event(event_type="nope"), status=422)
    for (table,) in rows(connection, TABLES):
        text = scalar(
            connection, f"select coalesce(string_agg(t::text, ' '), '') from {table} as t"
        )
        assert ADDRESS not in text, table
        assert "127.0.0.1" not in text, table
