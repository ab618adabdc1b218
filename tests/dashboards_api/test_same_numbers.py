"""The same numbers by three ways: the API, SQL on the marts, and a count of the raw events.

With the cache on, for random ranges, entities and callers, over days that are built and days that
are not.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards_api.app import create_app
from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller, issue
from tests.dashboards_api import support
from tests.dashboards_api.conftest import build
from tests.dashboards_api.support import CHANNELS, CHROME, GOOGLEBOT, METRICS, Event, at, insert
from tests.enrichment import store_referrers, store_user_agents
from tests.support import environment

TODAY = utc_today()
DAYS = 40
# Offsets from today that are built: not today, not yesterday, and there is a gap.
BUILT = [(39, 17), (12, 2)]
OWNERS = {"a": "ana", "b": "ana", "c": "cem"}
# The license of `b` ended long ago, that of `c` has not begun.
LICENSED = {"a": {}, "b": {"ends_on": "2015-12-31"}, "c": {"starts_on": "2999-01-01"}}
ADMIN = Caller("root", "admin")
CALLERS = [
    ADMIN,
    Caller("ana", "creator"),
    Caller("cem", "creator"),
    Caller("user-7", "brand", "acme"),
    Caller("user-8", "brand", "other"),
]

BY_SQL = """
with built as (
    select date from marts.daily_builds where date < %(today)s
),

traffic as (
    select
        daily.date, visitors.visitor_id, daily.ip_asset_id, daily.views, daily.clicks,
        daily.conversions, daily.revenue_cents, daily.engagement_time
    from marts.traffic_daily as daily
    inner join marts.visitors as visitors on daily.visitor_number = visitors.visitor_number
    where daily.date in (select date from built)
    union all
    select
        date, visitor_id, ip_asset_id, views, clicks, conversions, revenue_cents, engagement_time
    from intermediate.int_traffic
    where date not in (select date from built)
)

select
    coalesce(sum(views), 0)::bigint, coalesce(sum(clicks), 0)::bigint,
    coalesce(sum(conversions), 0)::bigint, coalesce(sum(revenue_cents), 0)::bigint,
    count(distinct visitor_id), coalesce(sum(engagement_time), 0)::bigint
from traffic
where
    date between %(first)s and %(last)s
    and (%(asset)s::text is null or ip_asset_id = %(asset)s)
"""
DAILY_METRICS = """
select date, views, clicks, conversions, revenue_cents, unique_visitors, engagement_time
from marts.daily_metrics
where
    date between %(first)s and %(last)s
    and date in (select date from marts.daily_builds where date < %(today)s)
    and ip_asset_id is not distinct from %(asset)s
    and project_id is null and license_id is null
"""


def random_event(dice: random.Random) -> Event:
    referrer, source, medium = dice.choice(list(CHANNELS))
    return Event(
        event_type=dice.choice(["asset_viewed"] * 4 + ["asset_downloaded", "license_clicked"]),
        occurred_at=at(TODAY - timedelta(days=dice.randrange(DAYS)), dice.uniform(0, 23.99)),
        visitor_id=f"visitor-{dice.randrange(30)}",
        ip_asset_id=dice.choice([*OWNERS, None]),
        project_id=dice.choice([None, "project"]),
        props_json={"engagement_ms": dice.randrange(90_000)} if dice.random() < 0.5 else {},
        user_agent=dice.choice([None, CHROME, GOOGLEBOT]),
        referrer=referrer,
        utm_source=source,
        utm_medium=medium,
    )


def lives() -> Iterator[Event]:
    """Who owns and who licenses what; each is an event of a visitor too."""
    long_ago = at(TODAY - timedelta(days=30))
    for asset, creator in OWNERS.items():
        yield Event(
            event_type="asset_uploaded", occurred_at=long_ago, ip_asset_id=asset,
            actor_type="creator", actor_id=creator, visitor_id=creator,
        )  # fmt: skip
        yield Event(
            event_type="license_created", occurred_at=long_ago, ip_asset_id=asset,
            license_id=f"license-{asset}", brand_id="acme", visitor_id="acme",
            props_json={"revenue_cents": 4900, **LICENSED[asset]},
        )  # fmt: skip


@pytest.fixture(scope="module")
def sent(events: psycopg.Connection) -> list[Event]:
    dice = random.Random(20150518)
    everything = [*(random_event(dice) for _ in range(900)), *lives()]
    insert(events, *everything)
    store_user_agents(events, [CHROME, GOOGLEBOT])
    store_referrers(events, ["google.com", "t.co", "a-blog.example", "mail.example"])
    for first, last in BUILT:
        build(TODAY - timedelta(days=first), TODAY - timedelta(days=last))
    return everything


@pytest.fixture(scope="module")
def cached_client(views_database: str) -> Iterator[TestClient]:
    with environment(EVENTMILL_CACHE_MB="16"), TestClient(create_app()) as started:
        yield started


def may_see(caller: Caller, asset: str | None) -> bool:
    if asset is None or caller.role == "admin":
        return caller.role == "admin"
    if caller.role == "creator":
        return OWNERS[asset] == caller.sub
    return caller.brand_id == "acme" and asset == "a"


@st.composite
def questions(draw: st.DrawFn) -> tuple[str | None, Caller, date, date]:
    first = draw(st.integers(0, DAYS + 2))
    last = draw(st.integers(0, first))
    asset = draw(st.sampled_from([*OWNERS, None]))
    caller = draw(st.sampled_from(CALLERS))
    return asset, caller, TODAY - timedelta(days=first), TODAY - timedelta(days=last)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=questions())
def test_three_ways_give_the_same_numbers(
    sent: list[Event],
    events: psycopg.Connection,
    cached_client: TestClient,
    question: tuple[str | None, Caller, date, date],
) -> None:
    asset, caller, first, last = question
    path = f"/v1/assets/{asset}/metrics" if asset else "/v1/platform/metrics"

    def ask() -> Any:
        return cached_client.get(
            path,
            params={"start": str(first), "end": str(last)},
            headers={"Authorization": f"Bearer {issue(caller)}"},
        )

    if not may_see(caller, asset):
        assert ask().status_code == (404 if asset else 403)
        return
    within = [e for e in sent if first <= e.day <= last and asset in (None, e.ip_asset_id)]
    by_hand = support.metrics(within)
    parameters = {"asset": asset, "first": first, "last": last, "today": TODAY}
    for answer in (ask().json(), ask().json()):
        assert answer["totals"] == by_hand
        assert answer["series"] == support.series(within, first, last, "day")
        points = {point.pop("date"): point for point in answer["series"]}
        for day, *numbers in events.execute(DAILY_METRICS, parameters).fetchall():
            assert points[str(day)] == dict(zip(METRICS, numbers, strict=True))
        if asset:
            channels = {channel.pop("channel"): channel for channel in answer["channels"]}
            # Several brands may license it: where others' visitors come from is not one's to know.
            own = [event for event in within if event.license_id]
            assert channels == support.channels(own if caller.role == "brand" else within)
    assert answer["meta"]["cached"]
    [by_sql] = events.execute(BY_SQL, parameters).fetchall()
    assert dict(zip(METRICS, by_sql, strict=True)) == by_hand
