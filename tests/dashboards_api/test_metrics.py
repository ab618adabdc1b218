"""Answers over built and unbuilt days equal a count of the raw events made here."""

import random
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.core.days import utc_today
from tests.dashboards_api import support
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.support import CHANNELS, CHROME, GOOGLEBOT, Event, at, insert
from tests.enrichment import store_referrers, store_user_agents
from tests.support import rows

DAYS = 24
# Offsets from today that are built; today, yesterday and a gap are not.
BUILT = [(23, 12), (8, 2)]
ASSETS = ("plain", "with/slash and ünicode ✓", None)
TYPES = (
    "asset_viewed", "asset_viewed", "asset_viewed", "asset_downloaded", "license_clicked",
    "license_created", "license_renewed", "page_viewed", "search_performed",
)  # fmt: skip
AMOUNTS = (0, 1, 1299, 1299.0, 10**12, -5, "1299", True, None, [1])


def random_event(dice: random.Random) -> Event:
    # Some days stay empty.
    day = utc_today() - timedelta(days=dice.choice([0, 1, 2, 5, 6, 7, 8, 9, 11, 15, 20, 23]))
    referrer, source, medium = dice.choice(list(CHANNELS))
    amounts = {
        name: dice.choice(AMOUNTS)
        for name in ("revenue_cents", "engagement_ms")
        if dice.random() < 0.5
    }
    return Event(
        event_type=dice.choice(TYPES),
        occurred_at=at(day, dice.choice([0, 0.5, 12, 23.999])),
        visitor_id=f"visitor-{dice.randrange(12)}",
        ip_asset_id=dice.choice(ASSETS),
        project_id=dice.choice([None, "project"]),
        license_id=dice.choice([None, "license"]),
        props_json=amounts,
        user_agent=dice.choice([None, CHROME, GOOGLEBOT]),
        referrer=referrer,
        utm_source=source,
        utm_medium=medium,
    )


@pytest.fixture(scope="module")
def sent(events: psycopg.Connection) -> list[Event]:
    dice = random.Random(20150517)
    everything = [random_event(dice) for _ in range(600)]
    insert(events, *everything)
    store_user_agents(events, [CHROME, GOOGLEBOT])
    store_referrers(events, ["google.com", "t.co", "a-blog.example", "mail.example"])
    today = utc_today()
    for first, last in BUILT:
        build(today - timedelta(days=first), today - timedelta(days=last))
    return everything


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.integers(0, DAYS + 3))
    last = draw(st.integers(-1, first))
    interval = draw(st.sampled_from(["day", "week", "month"]))
    today = utc_today()
    return {
        "start": today - timedelta(days=first),
        "end": today - timedelta(days=last),
        "interval": interval,
        "compare": "previous",
    }


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=ranges(), asset=st.sampled_from([*ASSETS[:2], "platform"]))
def test_numbers_equal_a_count_of_the_raw_events(
    sent: list[Event], get: Get, asked: dict[str, Any], asset: str
) -> None:
    mine = [event for event in sent if asset in ("platform", event.ip_asset_id)]
    first, last = asked["start"], asked["end"]
    within = [event for event in mine if first <= event.day <= last]
    path = "/v1/platform/metrics" if asset == "platform" else f"/v1/assets/{asset}/metrics"

    answer = get(path, **asked).json()

    assert answer["totals"] == support.metrics(within)
    assert answer["series"] == support.series(within, first, last, asked["interval"])
    length = last - first + timedelta(days=1)
    before = [event for event in mine if first - length <= event.day < first]
    assert answer["previous"]["totals"] == support.metrics(before)
    if asset != "platform":
        answered = {channel.pop("channel"): channel for channel in answer["channels"]}
        assert answered == support.channels(within)


def test_the_answer_says_how_fresh_it_is(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    today = utc_today()
    receipts = dict(rows(events, "select date, built_at from marts.daily_builds"))
    [(definition,)] = rows(events, "select distinct definition from marts.metric_definitions")
    built, unbuilt = today - timedelta(days=20), today - timedelta(days=10)
    for start, end in ((built, built), (built, unbuilt), (today, today)):
        meta = get("/v1/platform/metrics", start=start, end=end).json()["meta"]
        assert meta["built_through"] == str(today - timedelta(days=2))
        assert meta["definition"] == definition
        assert (datetime.fromisoformat(meta["as_of"]) == receipts[built]) == (end == built)


def test_built_days_are_read_from_the_marts(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    """A built number stays as it is until its day is built again; a live one follows at once."""
    built, live = utc_today() - timedelta(days=3), utc_today() - timedelta(days=1)

    def views() -> list[int]:
        answer = get("/v1/platform/metrics", start=built, end=live).json()
        return [point["views"] for point in answer["series"]]

    before = views()
    late = [Event(event_type="asset_viewed", occurred_at=at(day)) for day in (built, live)]
    insert(events, *late)
    try:
        assert views() == [before[0], before[1], before[2] + 1]
        build(built, built)
        assert views() == [before[0] + 1, before[1], before[2] + 1]
    finally:
        for event in late:
            events.execute("delete from raw.events where event_id = %s", (event.event_id,))
        # Without its receipt the day counts as not built, and is live for the other tests.
        events.execute("delete from marts.build_receipts where date = %s", (built,))
    assert views() == before


def test_days_of_other_definitions_are_told(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    day = utc_today() - timedelta(days=4)
    change = "update marts.build_receipts set definition = %s where date = %s"
    [(current,)] = rows(events, "select distinct definition from marts.daily_builds")
    events.execute(change, ("older", day))
    try:
        alone = get("/v1/platform/metrics", start=day, end=day).json()["meta"]
        mixed = get("/v1/platform/metrics", start=day, end=utc_today()).json()["meta"]
        assert (alone["definition"], mixed["definition"]) == ("older", "mixed")
    finally:
        events.execute(change, (current, day))


def test_today_is_live_even_with_a_receipt(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    today = utc_today()
    events.execute(
        """
        insert into marts.build_receipts (
            date, built_at, definition, events, counted, bot_events, duplicates, late, views,
            conversions, revenue_cents
        ) values (%s, now(), 'of a run too early', 0, 0, 0, 0, 0, 0, 0, 0)
        """,
        (today,),
    )
    try:
        answer = get("/v1/platform/metrics", start=today, end=today).json()
        assert answer["totals"] == support.metrics(e for e in sent if e.day == today)
    finally:
        events.execute("delete from marts.build_receipts where date = %s", (today,))
