"""Dashboards of creators and brands, over built and unbuilt days, equal a count made here."""

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.owners import (
    ACME,
    ASSETS,
    BUILT,
    HOLDS,
    PERFORMANCE,
    PROJECTS,
    SEEN,
    SPENT,
    TITLES,
    TODAY,
    ago,
    before,
    beginnings,
    money,
    performance,
    random_event,
    ranges,
    series,
    within,
)
from tests.dashboards_api.support import (
    CHANNELS,
    CHROME,
    GOOGLEBOT,
    METRICS,
    ZEROS,
    Event,
    at,
    insert,
)
from tests.enrichment import store_referrers, store_user_agents


@pytest.fixture(scope="module")
def sent(events: psycopg.Connection) -> list[Event]:
    dice = random.Random(20150517)
    everything = [*beginnings(), *(random_event(dice) for _ in range(700))]
    events.execute("insert into enrichment.platform_currency (currency) values ('USD')")
    insert(events, *everything)
    store_user_agents(events, [CHROME, GOOGLEBOT])
    store_referrers(events, ["google.com", "t.co", "a-blog.example", "mail.example"])
    for first, last in BUILT:
        build(ago(first), ago(last))
    return everything


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=ranges(), limit=st.integers(1, 5))
def test_a_creator_sees_what_was_counted(
    sent: list[Event], get: Get, asked: dict[str, Any], limit: int
) -> None:
    mine = [event for event in sent if ASSETS.get(event.ip_asset_id or "") == "ana"]
    counted = within(mine, asked)

    answer = get("/v1/creators/ana/dashboard", SEEN, limit=limit, **asked).json()

    assert answer["totals"] == money(counted)
    assert answer["series"] == series(counted, asked)
    assert answer["previous"]["totals"] == money(before(mine, asked))
    euros = sum(e.props_json["revenue_cents"] for e in counted if e.props_json.get("currency"))
    assert answer["other_revenue"] == ({"EUR": euros} if euros else {})
    found = {channel.pop("channel"): channel for channel in answer["channels"]}
    by_channel = defaultdict(list)
    for event in counted:
        if event.user_agent != GOOGLEBOT:
            key = (event.referrer, event.utm_source, event.utm_medium)
            by_channel[CHANNELS[key]].append(event)
    assert found == {channel: money(members) for channel, members in by_channel.items()}
    expected: list[dict[str, Any]] = [
        {
            "asset_id": asset,
            "title": TITLES.get(asset),
            **money(event for event in counted if event.ip_asset_id == asset),
        }
        for asset, owner in ASSETS.items()
        if owner == "ana"
    ]
    expected.sort(key=lambda one: (-one["views"], -one["revenue_cents"], one["asset_id"]))
    assert answer["top_assets"] == expected[:limit]
    # Whatever a visitor did, he did on one asset or another.
    everything = get("/v1/creators/ana/dashboard", SEEN, limit=100, **asked).json()["top_assets"]
    for name in set(METRICS) - {"unique_visitors"}:
        assert sum(one[name] for one in everything) == answer["totals"][name]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=ranges())
def test_a_brand_sees_what_was_counted(sent: list[Event], get: Get, asked: dict[str, Any]) -> None:
    mine = [event for event in sent if PROJECTS.get(event.project_id or "") == "acme"]
    counted = within(mine, asked)

    answer = get("/v1/brands/acme/campaigns", ACME, **asked).json()

    totals = {name: answer["totals"][name] for name in METRICS}
    assert totals == money(counted)
    assert answer["series"] == series(counted, asked)
    assert answer["previous"]["totals"] == money(before(mine, asked))
    days = [
        asked["start"] + timedelta(days=n) for n in range((asked["end"] - asked["start"]).days + 1)
    ]
    for project in answer["projects"]:
        own = [event for event in counted if event.project_id == project["project_id"]]
        assert {name: project[name] for name in ("impressions", *PERFORMANCE)} == performance(own)
        licensed = {
            asset
            for (name, asset), holds in HOLDS.items()
            if name == project["project_id"] and any(map(holds, days))
        }
        people = [event for event in own if event.user_agent != GOOGLEBOT and event.ip_asset_id]
        assert {one.pop("asset_id"): one for one in project["assets"]} == {
            asset: {
                "is_licensed": asset in licensed,
                **performance(event for event in people if event.ip_asset_id == asset),
            }
            for asset in licensed | {str(event.ip_asset_id) for event in people}
        }
    assert {one["project_id"]: (one["name"], one["status"]) for one in answer["projects"]} == {
        "spring": ("Spring line", "created"),
        "p/two": (None, "started"),
    }
    by_campaign = defaultdict(list)
    for event in counted:
        if event.user_agent != GOOGLEBOT:
            by_campaign[event.utm_campaign and event.utm_campaign.lower()].append(event)
    assert {
        one["campaign"]: {name: one[name] for name in ("impressions", *PERFORMANCE)}
        for one in answer["campaigns"]
    } == {campaign: performance(members) for campaign, members in by_campaign.items()}
    for parts in (answer["projects"], answer["campaigns"]):
        views = [one["impressions"] for one in parts]
        assert views == sorted(views, reverse=True)
        assert sum(views) == totals["views"]
        for name in ("clicks", "conversions", "revenue_cents"):
            assert sum(one[name] for one in parts) == totals[name]


def test_a_portfolio_is_counted_as_of_today(sent: list[Event], get: Get) -> None:
    answer = get("/v1/creators/ana/dashboard", start=ago(300), end=ago(290)).json()
    # l1 on oak holds; l4 has ended, l3 has not begun, and elm is ben's.
    assert answer["portfolio"] == {"assets": 3, "active_licenses": 1}
    assert answer["totals"] == ZEROS
    assert [one["asset_id"] for one in answer["top_assets"]] == ["oak", "pine", "with/slash ✓"]


@pytest.mark.parametrize(
    ("path", "caller", "status"),
    [
        ("creators/ana/dashboard", Caller("ana", "creator"), 200),
        ("creators/ana/dashboard", Caller("root", "admin"), 200),
        ("creators/ana/dashboard", Caller("ben", "creator"), 404),
        ("creators/nobody/dashboard", Caller("ben", "creator"), 404),
        ("creators/nobody/dashboard", Caller("root", "admin"), 404),
        ("creators/newcomer/dashboard", Caller("newcomer", "creator"), 200),
        ("creators/ana/dashboard", Caller("ana", "brand", "ana"), 403),
        ("brands/acme/campaigns", Caller("kim", "brand", "acme"), 200),
        ("brands/acme/campaigns", Caller("root", "admin"), 200),
        ("brands/acme/campaigns", Caller("acme", "brand", "zeta"), 404),
        ("brands/nobody/campaigns", Caller("acme", "brand", "zeta"), 404),
        ("brands/nobody/campaigns", Caller("root", "admin"), 404),
        ("brands/new/campaigns", Caller("kim", "brand", "new"), 200),
        ("brands/acme/campaigns", Caller("acme", "creator"), 403),
        ("platform/summary", Caller("ana", "creator"), 403),
        ("platform/summary", Caller("kim", "brand", "acme"), 403),
    ],
)
def test_who_may(sent: list[Event], get: Get, path: str, caller: Caller, status: int) -> None:
    assert get(f"/v1/{path}", caller).status_code == status


def test_who_has_nothing_yet_sees_zeros(sent: list[Event], get: Get) -> None:
    creator = get("/v1/creators/newcomer/dashboard", Caller("newcomer", "creator")).json()
    assert (creator["totals"], creator["top_assets"], creator["channels"]) == (ZEROS, [], [])
    assert len(creator["series"]) == 30
    brand = get("/v1/brands/new/campaigns", Caller("kim", "brand", "new")).json()
    assert (brand["projects"], brand["campaigns"]) == ([], [])
    assert brand["totals"] == {
        **ZEROS, "spend_cents": None, "other_spend": {}, "return_on_ad_spend": None
    }  # fmt: skip


@pytest.mark.parametrize("limit", ["0", "101", "x", "1.5", ""])
def test_a_limit_that_is_none(sent: list[Event], get: Get, limit: str) -> None:
    answer = get("/v1/creators/ana/dashboard", SEEN, limit=limit)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


def test_a_new_upload_is_there_at_once(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    upload = Event(
        event_type="asset_uploaded",
        occurred_at=at(TODAY, 0),
        visitor_id="zoe",
        actor_type="creator",
        actor_id="zoe",
        ip_asset_id="brand new",
    )
    insert(events, upload)
    try:
        answer = get("/v1/creators/zoe/dashboard", period="7d").json()
        assert answer["portfolio"]["assets"] == 1
        assert answer["totals"] == {**ZEROS, "unique_visitors": 1}
    finally:
        events.execute("delete from raw.events where event_id = %s", (upload.event_id,))


def test_a_brand_sees_what_its_projects_cost_and_nothing_else(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    for row in (
        (ago(5), "spring", " May", "USD", 300),
        (ago(4), "p/two", "may", "USD", 200),
        (ago(4), "spring", "unseen", "EUR", 70),
        (ago(4), "rival", "may", "USD", 10**6),
        (ago(4), None, "may", "USD", 10**7),
        (ago(7), "spring", "may", "USD", 10**8),
    ):
        events.execute(SPENT, row)
    try:
        answer = get("/v1/brands/acme/campaigns", ACME, start=ago(6), end=ago(3)).json()
    finally:
        events.execute("truncate raw.ad_spend")

    def spend(one: dict[str, Any]) -> tuple[Any, ...]:
        earned = one["revenue_cents"]
        known = one["spend_cents"]
        assert one["return_on_ad_spend"] == (round(earned / known, 4) if known else None)
        return known, one["other_spend"]

    assert spend(answer["totals"]) == (500, {"EUR": 70})
    assert {one["project_id"]: spend(one) for one in answer["projects"]} == {
        "spring": (300, {"EUR": 70}),
        "p/two": (200, {}),
    }
    campaigns = {one["campaign"]: spend(one) for one in answer["campaigns"]}
    assert campaigns["may"] == (500, {})
    assert campaigns["unseen"] == (None, {"EUR": 70})
    assert {spent for name, (spent, _) in campaigns.items() if name not in ("may", "unseen")} <= {
        None
    }
