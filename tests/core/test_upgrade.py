"""A database that the version before made migrates, and gives the same numbers."""

import copy
import json
import lzma
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.database import connect
from eventmill.core.opening import set_up
from eventmill.core.tokens import Caller, issue
from eventmill.runner.embedded import BIN, EmbeddedPostgres
from eventmill.runner.system import prepare_orchestration
from tests.core.upgrade import ANSWERS, DUMP, ask
from tests.databases import drop, new_database, url_of
from tests.support import environment, rows, run_eventmill

BEFORE = Path(__file__).parent / "data" / "before_0_1_0"
TEMPLATE = "before_template"
ADDED_UP = ("views", "clicks", "conversions", "revenue_cents", "events")
REBUILT = "2015-05-18"
MARTS = {
    "daily_metrics": "date, project_id, ip_asset_id, license_id, views, clicks, conversions,"
    " revenue_cents, unique_visitors, engagement_time, metadata",
    "attribution": "event_id, occurred_at, session_id, utm_source, utm_medium,"
    " utm_campaign, referrer_domain, landing_page, channel, device_type, browser, os, is_bot",
    "campaign_daily": "*",
    "conversion_credits": "conversion_id, model, touch_number, credit, revenue_cents, channel",
}


@pytest.fixture(scope="module")
def before(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """The database as the version before left it; the settings point at it."""
    with connect(url_of(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
    dump = lzma.decompress((BEFORE / DUMP).read_bytes())
    psql = [str(BIN / "psql"), "-q", "-v", "ON_ERROR_STOP=1", url_of(server, TEMPLATE)]
    restored = subprocess.run(psql, input=dump, capture_output=True, check=False)
    assert restored.returncode == 0, restored.stderr.decode()
    # The name that other tests' databases have: for another one dbt parses its project again.
    with (
        new_database(server, "test", TEMPLATE) as url,
        environment(EVENTMILL_RETENTION_DAYS="0", EVENTMILL_CACHE_MB="0"),
        connect(url, autocommit=True) as connection,
    ):
        yield connection
    drop(server, TEMPLATE)


# Who each event was of, by the ids that it carries, and who it is of since visitors have kinds.
VISITORS = "select event_id::text, visitor_id from marts.attribution"
ANONYMOUS = """
select event_id::text, anonymous_id, visitor_id
from raw.events
where
    actor_id is null
    and coalesce(anonymous_id, '') not in (select anonymous_id from raw.identities)
"""


def _marts(connection: psycopg.Connection) -> dict[str, list[str]]:
    texts = "select to_jsonb(r)::text from (select {} from marts.{}) as r order by 1"
    return {
        mart: [text for (text,) in rows(connection, texts.format(columns, mart))]
        for mart, columns in MARTS.items()
    }


def _answers() -> dict[str, Any]:
    with TestClient(create_app()) as client:
        return ask(client.request, lambda role, sub, brand: issue(Caller(sub, role, brand)))


def _without_a_brands(answers: dict[str, Any]) -> dict[str, Any]:
    """What a brand sees has become less (0016): of a licensed asset no channels of others, and in a
    query the rows of its own projects only, which here add up to what the admin gets of these."""
    kept = copy.deepcopy(answers)
    (asset,) = (name for name in kept if name.startswith("kim /v1/assets/"))
    del kept[asset]["channels"]
    (query,) = (name for name in kept if name.startswith("kim /v1/query"))
    by_project = next(
        answer["rows"]
        for name, answer in kept.items()
        if name.startswith("root /v1/query") and {"asset", "project"} == {*answer["dimensions"]}
    )
    own = [row for row in by_project if row["project"] == "spring"]
    kept[query] = {name: sum(row[name] for row in own) for name in ADDED_UP}
    return kept


def _with_sums(answers: dict[str, Any]) -> dict[str, Any]:
    """The same of answers of today: the brand's own rows are added up."""
    kept = _without_a_brands(answers)
    (query,) = (name for name in kept if name.startswith("kim /v1/query"))
    kept[query] = {name: sum(row[name] for row in answers[query]["rows"]) for name in ADDED_UP}
    return kept


def test_a_database_of_the_version_before_gives_the_same_numbers(
    before: psycopg.Connection,
) -> None:
    expected: dict[str, Any] = json.loads((BEFORE / ANSWERS).read_text())
    # What was stored before there were classes of trust is a server's word (0034).
    for answer in expected.values():
        if "entity_id" in answer:
            for event in answer["events"]:
                event |= {"trust": 3} if "received_at" in event else {}
    expected = _without_a_brands(expected)
    marts = _marts(before)
    assert all(marts.values())
    visitors = dict(rows(before, VISITORS))
    for event, device, hashed in rows(before, ANONYMOUS):
        visitors[event] = f"anon:{device}" if device else f"hash:{hashed}"
    refused = run_eventmill("keys", "list")
    assert refused.returncode == 1
    assert "run `eventmill migrate`" in refused.stderr
    migrated = run_eventmill("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert run_eventmill("migrate").stdout == "nothing to apply\n"
    assert set_up(before) == []  # what `up` does besides
    prepare_orchestration()
    assert _marts(before) == marts
    assert dict(rows(before, VISITORS)) == visitors
    assert _with_sums(_answers()) == expected

    rebuilt = run_eventmill("backfill", REBUILT, REBUILT)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert _marts(before) == marts
    assert dict(rows(before, VISITORS)) == visitors
    assert _with_sums(_answers()) == expected
