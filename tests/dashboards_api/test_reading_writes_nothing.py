"""Every GET is answered to a database user who may only read, and adds to no table of others.

What the API writes while it is read is the audit log alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from tests.dashboards_api.matrix import CALLERS, good_token, lines, world
from tests.dashboards_api.support import CHROME, GOOGLEBOT, Event, insert
from tests.dashboards_api.test_matrix import call
from tests.support import environment, rows, scalar

SCHEMAS = "raw", "rules", "enrichment", "staging", "intermediate", "marts", "ops", "seeds"
WRITTEN = """
select schemaname || '.' || relname, n_tup_ins + n_tup_upd + n_tup_del
from pg_stat_user_tables
where schemaname = any(%s)
"""


@pytest.fixture
def reader_url(views_database: str, events: psycopg.Connection) -> Iterator[str]:
    """The database as a user who reads every table and writes the audit log."""
    events.execute("create role only_reads login")
    for schema in SCHEMAS:
        if scalar(events, "select to_regnamespace(%s) is not null", schema):
            events.execute(f"grant usage on schema {schema} to only_reads".encode())
            events.execute(f"grant select on all tables in schema {schema} to only_reads".encode())
    events.execute("grant insert on ops.audit_log to only_reads")
    yield views_database.replace("://eventmill@", "://only_reads@")
    events.execute("drop owned by only_reads")
    events.execute("drop role only_reads")


def written(connection: psycopg.Connection) -> dict[str, int]:
    connection.execute("select pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    return dict(rows(connection, WRITTEN, list(SCHEMAS)))


def test_a_get_writes_nothing_but_the_audit_log(
    events: psycopg.Connection, reader_url: str
) -> None:
    ids = world(events)
    new = {
        "event_type": "asset_viewed",
        "ip_asset_id": ids["asset"],
        "occurred_at": datetime.now(UTC),
    }
    for visitor, user_agent in (("a bot", GOOGLEBOT), ("a browser", CHROME)):
        insert(events, Event(visitor_id=visitor, user_agent=user_agent,
                             referrer="https://www.ecosia.org/search?q=a", **new))  # fmt: skip
    before, recorded = written(events), scalar(events, "select count(*) from ops.audit_log")
    with environment(EVENTMILL_DATABASE_URL=reader_url), TestClient(create_app()) as client:
        for line in lines():
            if line.method != "GET" or line.is_signed:
                continue
            for name, caller in CALLERS.items():
                answer = call(client, line, ids, good_token(caller))
                expected = line.statuses[name] if line.statuses else 200
                assert answer.status_code == expected, f"{line} by {name}: {answer.text}"
        path = f"/v1/assets/{ids['asset']}/metrics"
        shown = client.get(path, headers={"Authorization": good_token(CALLERS["admin"])}).json()
    # The world's own view, the browser's, and not the bot's.
    assert shown["totals"]["views"] == 2
    assert {channel["channel"] for channel in shown["channels"]} == {"direct", "organic_search"}
    after = written(events)
    changed = {table for table in after if after[table] != before.get(table, 0)}
    assert changed == {"ops.audit_log"}
    assert scalar(events, "select count(*) from ops.audit_log") > recorded
