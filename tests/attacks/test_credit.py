"""A stranger who knows the buyer, their browser and the hour of a sale earns nothing of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.dbt_project.warehouse import Warehouse
from tests.ingest_api.conftest import shared_api, shared_connection
from tests.ingest_api.support import new_key, with_key
from tests.support import rows

__all__ = ["shared_api", "shared_connection"]

BUYER, BROWSER = "buyer-88", "browser-of-88"
MODELS = {"first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay"}
SHARED_DEVICE = Path(__file__).with_name("data") / "shared-device.jsonl"
NOW = datetime.now(UTC)
Posts = Callable[..., None]


def minutes_ago(minutes: int) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def sender(api: httpx.Client, key: str) -> Posts:
    """Who sends one event, or one of Segment's calls, with this key."""

    def posts(path: str = "/v1/events", **body: Any) -> None:
        answer = api.post(path, json=body, headers=with_key(key))
        assert answer.status_code == 200, answer.text

    return posts


def visit(source: str, minutes: int, **fields: Any) -> dict[str, Any]:
    """A page view with a campaign's source, dated so many minutes ago."""
    context = {"utm": {"source": source, "medium": "referral"}, "page_url": "https://s.example/"}
    when = {"occurred_at": minutes_ago(minutes)}
    return {"event_type": "page_viewed", "context": context, **when, **fields}


@pytest.fixture(scope="module", autouse=True)
def day(
    shared_api: httpx.Client,
    shared_connection: psycopg.Connection,
    module_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A sale, what a stranger sends before and after it, a shared device; and the day is built."""
    server, stranger = (sender(shared_api, new_key(kind)) for kind in ("secret", "publishable"))
    buyer = {"actor_type": "user", "actor_id": BUYER}
    # The buyer's own way: a newsletter in their browser, which the server then says is theirs.
    stranger(**visit("newsletter", 55, anonymous_id=BROWSER))
    login = {"event_type": "user_logged_in", "occurred_at": minutes_ago(50)}
    server(**login, **buyer, anonymous_id=BROWSER)
    # A stranger says of two browsers that they are the buyer's, of one of them in time.
    for browser, source in (("evil-1", "claimed"), ("evil-2", "claimed-late")):
        stranger(**visit(source, 40, anonymous_id=browser))
    stranger("/v1/identify", anonymousId="evil-1", userId=BUYER)
    sold = {"event_type": "license_created", "occurred_at": minutes_ago(10), "license_id": "l-88"}
    server(**sold, **buyer, ip_asset_id="a", props={"revenue_cents": 99_900})
    # All of this is dated before the sale, and comes after it.
    stranger("/v1/identify", anonymousId="evil-2", userId=BUYER)
    stranger(**visit("thief-by-name", 20, anonymous_id=BUYER))
    stranger(**visit("thief-by-browser", 20, anonymous_id=BROWSER))
    stranger(**visit("thief-by-claim", 20, anonymous_id="evil-1"))
    stranger(**visit("thief-by-user", 20, anonymous_id="evil-3", user_id=BUYER))
    stranger(**visit("thief-by-spelling", 20, anonymous_id=f"anon:{BROWSER}"))
    # The server is honest, and late as well.
    server(**visit("partner", 30, **buyer))

    yesterday = (NOW - timedelta(days=1)).date()
    for line in SHARED_DEVICE.read_text().replace("2025-07-12", str(yesterday)).splitlines():
        call = json.loads(line)
        stranger(call["path"], **call["body"])

    warehouse = Warehouse(module_database, tmp_path_factory.mktemp("dbt"))
    warehouse.build(yesterday, NOW.date(), "--exclude-resource-type", "unit_test")


def test_what_comes_after_the_sale_earns_nothing_of_it(
    shared_connection: psycopg.Connection,
) -> None:
    found = rows(
        shared_connection,
        "select model, source, reached_by, sum(revenue_cents)::int"
        " from marts.conversion_credits group by 1, 2, 3",
    )
    assert {model for model, *_ in found} == MODELS
    assert {(source, how) for _, source, how, _ in found} == {
        ("newsletter", "verified"), ("partner", "same"), ("claimed", "claimed"),
    }  # fmt: skip
    for model in MODELS:
        assert sum(cents for name, *_, cents in found if name == model) == 99_900
    touches = rows(
        shared_connection,
        "select source, reached_by from marts.conversion_touches order by touch_number",
    )
    assert touches == [("newsletter", "verified"), ("claimed", "claimed"), ("partner", "same")]


def test_a_stranger_is_never_the_visitor_whom_they_spell(
    shared_connection: psycopg.Connection,
) -> None:
    visitors = dict(
        rows(
            shared_connection,
            "select traffic_source, visitor_id from intermediate.int_events"
            " where traffic_source like 'thief%'",
        )
    )
    assert visitors["thief-by-name"] == f"anon:{BUYER}"
    assert visitors["thief-by-spelling"] == f"anon:anon:{BROWSER}"
    stored = rows(
        shared_connection,
        "select visitor_id from raw.events where anonymous_id = %s and actor_id is null",
        BUYER,
    )
    assert stored == [(f"anon:{BUYER}",)]


def test_a_claim_unites_nothing_of_before_it(shared_connection: psycopg.Connection) -> None:
    found = rows(
        shared_connection,
        "select traffic_source, visitor_id, reached_by from intermediate.int_events"
        " where traffic_source in ('claimed', 'thief-by-claim') order by 1",
    )
    assert found == [("claimed", "anon:evil-1", "same"), ("thief-by-claim", BUYER, "claimed")]


def test_five_people_on_one_device_are_five(shared_connection: psycopg.Connection) -> None:
    counted = rows(
        shared_connection,
        "select unique_visitors, views from marts.daily_metrics"
        " where ip_asset_id = 'asset-k' and project_id is null",
    )
    assert counted == [(5, 10)]
