"""Dashboards of creators and brands, over built and unbuilt days, equal a count made here."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.days import utc_today
from eventmill.referrers import store_referrers
from eventmill.tokens import Caller
from eventmill.user_agents import store_user_agents
from tests.dashboards_api import support
from tests.dashboards_api.conftest import Get, build
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

TODAY = utc_today()
DAYS = 20
# Offsets from today that are built; today, yesterday and a gap are not.
BUILT = [(DAYS, 11), (8, 2)]
# Asset → who uploaded it; the last was never uploaded.
ASSETS = {"oak": "ana", "with/slash ✓": "ana", "pine": "ana", "elm": "ben", "wild": None}
TITLES = {"oak": "Oak, seamless"}
# Project → its brand; the last was never created.
PROJECTS = {"spring": "acme", "p/two": "acme", "rival": "zeta", "stray": None}
CAMPAIGNS = (None, None, "may", "June Sale")
SEEN = Caller("ana", "creator")
ACME = Caller("kim", "brand", "acme")
TYPES = (
    "asset_viewed", "asset_viewed", "asset_viewed", "asset_downloaded", "license_clicked",
    "license_renewed", "page_viewed",
)  # fmt: skip
PERFORMANCE = ("clicks", "conversions", "revenue_cents", "unique_visitors")


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def random_event(dice: random.Random) -> Event:
    referrer, source, medium = dice.choice(list(CHANNELS))
    revenue = dice.choice([0, 1299, 50])
    return Event(
        event_type=dice.choice(TYPES),
        occurred_at=at(ago(dice.choice([0, 1, 3, 4, 8, 9, 10, 14, DAYS])), dice.choice([0, 23.99])),
        visitor_id=f"visitor-{dice.randrange(14)}",
        ip_asset_id=dice.choice([*ASSETS, None]),
        project_id=dice.choice([*PROJECTS, None]),
        props_json={"revenue_cents": revenue, "engagement_ms": dice.randrange(50)},
        user_agent=dice.choice([None, CHROME, CHROME, GOOGLEBOT]),
        referrer=referrer,
        utm_source=source,
        utm_medium=medium,
        utm_campaign=dice.choice(CAMPAIGNS) if source else None,
    )


def beginnings() -> list[Event]:
    """Uploads, projects and licenses: they are events too, of the day before everything else."""
    day = at(ago(DAYS))
    uploads = [
        Event(
            event_type="asset_uploaded",
            occurred_at=day,
            visitor_id=owner,
            actor_type="creator",
            actor_id=owner,
            ip_asset_id=asset,
            props_json={"title": TITLES[asset]} if asset in TITLES else {},
        )
        for asset, owner in ASSETS.items()
        if owner
    ]
    projects = [
        Event(
            event_type="project_created",
            occurred_at=day,
            visitor_id="server",
            project_id=project,
            brand_id=brand,
            props_json={"name": "Spring line"} if project == "spring" else {},
        )
        for project, brand in PROJECTS.items()
        if brand
    ]
    started = Event(event_type="project_started", occurred_at=at(ago(3)), project_id="p/two")
    return [*uploads, *projects, started, *licenses()]


def license_of(number: str, asset: str, **props: Any) -> Event:
    return Event(
        event_type="license_created",
        occurred_at=at(ago(10)),
        visitor_id="kim",
        ip_asset_id=asset,
        project_id="spring",
        brand_id="acme",
        license_id=number,
        props_json=props,
    )


def licenses() -> list[Event]:
    return [
        license_of("l1", "oak", revenue_cents=700),
        license_of("l2", "elm", ends_on=str(ago(6))),
        license_of("l3", "pine", starts_on=str(TODAY + timedelta(days=9))),
        license_of("l4", "oak", revenue_cents=40, currency="EUR"),
        Event(event_type="license_expired", occurred_at=at(ago(4)), license_id="l4"),
    ]


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


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.integers(0, DAYS + 3))
    last = draw(st.integers(-1, first))
    interval = draw(st.sampled_from(["day", "week", "month"]))
    return {"start": ago(first), "end": ago(last), "interval": interval, "compare": "previous"}


def within(events: Iterable[Event], asked: dict[str, Any]) -> list[Event]:
    return [event for event in events if asked["start"] <= event.day <= asked["end"]]


def before(events: Iterable[Event], asked: dict[str, Any]) -> list[Event]:
    length = asked["end"] - asked["start"] + timedelta(days=1)
    return [event for event in events if asked["start"] - length <= event.day < asked["start"]]


def money(events: Iterable[Event]) -> dict[str, int]:
    """The six numbers; what came in euros is not in them."""
    found = list(events)
    euros = sum(e.props_json["revenue_cents"] for e in found if e.props_json.get("currency"))
    numbers = support.metrics(found)
    return {**numbers, "revenue_cents": numbers["revenue_cents"] - euros}


def series(events: Iterable[Event], asked: dict[str, Any]) -> list[dict[str, Any]]:
    euros = [event for event in events if event.props_json.get("currency")]
    points = support.series(events, asked["start"], asked["end"], asked["interval"])
    other = support.series(euros, asked["start"], asked["end"], asked["interval"])
    return [
        {**point, "revenue_cents": point["revenue_cents"] - one["revenue_cents"]}
        for point, one in zip(points, other, strict=True)
    ]


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


def performance(events: Iterable[Event]) -> dict[str, int]:
    numbers = money(events)
    return {"impressions": numbers["views"], **{name: numbers[name] for name in PERFORMANCE}}


# License → what it is for, and on which days it holds.
HOLDS = {
    ("spring", "oak"): lambda day: day <= TODAY,
    ("spring", "elm"): lambda day: day <= ago(6),
    ("spring", "pine"): lambda day: day >= TODAY + timedelta(days=9),
}


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


SPENT = """
insert into raw.ad_spend (date, project_id, source, campaign, currency, cost_cents)
values (%s, %s, 'google', %s, %s, %s)
"""


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
