"""Attribution under a chosen model, beside traffic, and what happens when it takes too long."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api import database
from dashboards_api.app import create_app
from eventmill.core.database import connect
from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller, issue
from tests.dashboards_api.conftest import dbt
from tests.dashboards_api.support import Event, at, insert
from tests.support import rows

TODAY = utc_today()
CREDITED = ["credited_conversions", "credited_revenue_cents"]
MODELS = (
    "first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay",
)  # fmt: skip
ANN, BOB = Caller("ann", "creator"), Caller("bob", "creator")
BRAND, STRANGER = Caller("u", "brand", "acme"), Caller("u", "brand", "other")
BY_CHANNEL = """
select channel, sum(credit)::float8, sum(revenue_cents)::bigint
from marts.conversion_credits
where model = %s
group by channel
"""

Ask = Callable[..., dict[str, Any]]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture(scope="module")
def credited(events: psycopg.Connection) -> None:
    who = {"visitor_id": "v", "anonymous_id": "v"}
    insert(
        events,
        Event(
            event_type="asset_uploaded",
            occurred_at=at(ago(9)),
            ip_asset_id="a",
            actor_type="creator",
            actor_id="ann",
        ),
        Event(
            event_type="project_created", occurred_at=at(ago(9)), project_id="p", brand_id="acme"
        ),
        Event(
            event_type="asset_viewed",
            occurred_at=at(ago(6)),
            ip_asset_id="a",
            utm_source="google",
            utm_medium="cpc",
            **who,
        ),
        Event(
            event_type="page_viewed",
            occurred_at=at(ago(5)),
            utm_source="newsletter",
            utm_medium="email",
            **who,
        ),
        Event(event_type="page_viewed", occurred_at=at(ago(4)), **who),
        Event(
            event_type="license_created",
            occurred_at=at(ago(4), 13),
            ip_asset_id="a",
            project_id="p",
            license_id="l",
            brand_id="acme",
            props_json={"revenue_cents": 1001},
            **who,
        ),
    )
    dbt(
        "run", "--select", "visitors", "int_entity_days", "traffic_daily", "int_traffic_days",
        "int_platform_visitors", "+build_receipts", "daily_builds", "+conversion_credits",
        "--event-time-start", str(ago(9)), "--event-time-end", str(ago(1)),
    )  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_each_model_answers_as_the_mart_does(
    credited: None, events: psycopg.Connection, ask: Ask, model: str
) -> None:
    answer = ask(metrics=CREDITED, dimensions=["channel"], attribution_model=model)
    found = {row["channel"]: tuple(row[name] for name in CREDITED) for row in answer["rows"]}
    assert found == {
        name: (credit, cents) for name, credit, cents in rows(events, BY_CHANNEL, model)
    }
    assert sum(credit for credit, _ in found.values()) == pytest.approx(1)
    assert sum(cents for _, cents in found.values()) in (0, 1001)
    assert answer["attribution_model"] == model
    if model == "first_touch":
        assert list(found) == ["paid_search"]
    if model == "linear":
        assert {"paid_search", "email"} < found.keys()


def test_the_default_model_is_that_of_campaigns(credited: None, ask: Ask) -> None:
    answer = ask(metrics=CREDITED, dimensions=["channel"])
    assert answer["attribution_model"] == "last_non_direct"
    assert [row["channel"] for row in answer["rows"]] == ["email"]
    assert ask(metrics=["views"])["attribution_model"] is None


def test_two_datasets_stand_side_by_side(credited: None, ask: Ask) -> None:
    answer = ask(
        metrics=["views", "credited_conversions", "unique_visitors"],
        dimensions=["utm_source", "asset"],
        order_by=["utm_source"],
        attribution_model="first_touch",
    )
    found = {(row["utm_source"], row["asset"]): row for row in answer["rows"]}
    assert found["google", "a"]["views"] == 1
    assert found["google", "a"]["credited_conversions"] == 1
    assert found["google", "a"]["unique_visitors"] == 1
    assert found["newsletter", None]["credited_conversions"] == 0
    assert [column["type"] for column in answer["columns"]] == [
        "text", "text", "integer", "number", "integer",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "conversions"), [(ANN, 1), (BOB, 0), (BRAND, 1), (STRANGER, 0)], ids=str
)
def test_credits_are_private_by_row(
    credited: None, ask: Ask, caller: Caller, conversions: int
) -> None:
    assert ask(caller, metrics=CREDITED[:1])["rows"] == [{CREDITED[0]: conversions}]
    assert len(ask(caller, metrics=CREDITED, dimensions=["creator"])["rows"]) == conversions


def test_claimed_credit_is_a_group_and_can_be_left_out(
    credited: None, events: psycopg.Connection, ask: Ask
) -> None:
    events.execute(
        "update intermediate.int_conversion_credits set reached_by = 'claimed'"
        " where source = 'newsletter'"
    )
    found = ask(metrics=CREDITED, dimensions=["reached_by"], attribution_model="linear")
    by_reach = {row["reached_by"]: row["credited_conversions"] for row in found["rows"]}
    assert by_reach.keys() == {"same", "claimed"}
    assert sum(by_reach.values()) == pytest.approx(1)
    without = {"filters": [{"field": "reached_by", "op": "is_not", "value": "claimed"}]}
    (row,) = ask(metrics=CREDITED, attribution_model="linear", **without)["rows"]
    assert row["credited_conversions"] == pytest.approx(by_reach["same"])


def test_days_without_credits_are_named(credited: None, ask: Ask) -> None:
    asked = {"date_range": {"start": str(ago(9)), "end": str(TODAY)}}
    lacking = ask(metrics=CREDITED, **asked)["meta"]["not_built"]
    assert lacking == [{"start": str(ago(1)), "end": str(TODAY)}]
    assert ask(metrics=["views"], **asked)["meta"]["not_built"] == []


def test_a_query_that_takes_too_long_says_how_to_narrow_it(
    credited: None, views_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1)
    with (
        TestClient(create_app()) as client,
        connect(views_database) as other,
    ):
        other.execute("lock table marts.traffic_daily in access exclusive mode")
        response = client.post(
            "/v1/query",
            json={"metrics": ["views"], "dimensions": ["country", "channel"]},
            headers={"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"},
        )
    assert response.status_code == 503
    assert "filter by asset or project" in response.json()["detail"]
    assert response.headers["Retry-After"]
