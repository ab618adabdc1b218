"""Days that no run has built are counted when somebody asks, by the same definitions."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from eventmill.core.days import utc_today
from tests.dashboards_api.conftest import Get
from tests.dashboards_api.support import CHROME, GOOGLEBOT, METRICS, ZEROS, Event, at, insert
from tests.support import scalar

ASSET = "/v1/assets/asset/metrics"


@pytest.fixture(autouse=True)
def _no_events(events: psycopg.Connection) -> None:
    events.execute("truncate raw.events, enrichment.user_agents, enrichment.referrers")


def test_an_event_of_this_moment_is_in_todays_numbers(events: psycopg.Connection, get: Get) -> None:
    now = datetime.now(UTC)
    insert(events, Event(event_type="asset_viewed", ip_asset_id="asset", occurred_at=now))
    for path in (ASSET, "/v1/platform/metrics"):
        answer = get(path, period="7d").json()
        assert answer["totals"] == ZEROS | {"views": 1, "unique_visitors": 1}
        assert answer["series"][-1] == {"date": str(now.date()), **answer["totals"]}
        assert answer["meta"]["built_through"] is None
        assert not answer["meta"]["cached"]
        assert datetime.fromisoformat(answer["meta"]["as_of"]) >= now


def test_days_without_events_are_zeros(events: psycopg.Connection, get: Get) -> None:
    day = utc_today() - timedelta(days=3)
    insert(events, Event(event_type="asset_uploaded", ip_asset_id="asset", occurred_at=at(day)))
    answer = get(ASSET).json()
    assert len(answer["series"]) == 30, "nothing asked for is the last 30 days"
    assert [p for p in answer["series"] if p["unique_visitors"]] == [
        {"date": str(day), **ZEROS, "unique_visitors": 1}
    ]
    assert set(answer["totals"]) == set(METRICS)
    assert answer["range"] == {
        "start": str(utc_today() - timedelta(days=29)),
        "end": str(utc_today()),
        "interval": "day",
    }


def test_a_bot_that_was_never_seen_before_is_not_counted(
    events: psycopg.Connection, get: Get
) -> None:
    now = datetime.now(UTC)
    for number, agent in enumerate([GOOGLEBOT, CHROME, "NewCrawler/1.0 (+https://x.example/bot)"]):
        insert(
            events,
            Event(
                event_type="asset_viewed",
                ip_asset_id="asset",
                occurred_at=now,
                visitor_id=f"visitor-{number}",
                user_agent=agent,
            ),
        )
    for path in (ASSET, "/v1/platform/metrics"):
        assert get(path, period="7d").json()["totals"]["views"] == 1
    # One more comes when the first ones are known to the process already.
    agent = "LateCrawler/1.0 (+https://x.example/bot)"
    late = Event(event_type="asset_viewed", ip_asset_id="asset", occurred_at=now,
                 visitor_id="late", user_agent=agent)  # fmt: skip
    insert(events, late)
    for path in (ASSET, "/v1/platform/metrics"):
        assert get(path, period="7d").json()["totals"]["views"] == 1
    assert scalar(events, "select count(*) from enrichment.user_agents") == 0, "nothing is stored"


def test_a_referrer_that_was_never_seen_before_has_its_channel(
    events: psycopg.Connection, get: Get
) -> None:
    insert(
        events,
        Event(
            event_type="asset_viewed",
            ip_asset_id="asset",
            occurred_at=datetime.now(UTC),
            referrer="https://www.ecosia.org/search?q=a",
        ),
    )
    [channel] = get(ASSET).json()["channels"]
    assert channel == {"channel": "organic_search", **ZEROS, "views": 1, "unique_visitors": 1}


def test_a_day_ends_at_midnight_utc(events: psycopg.Connection, get: Get) -> None:
    day = utc_today() - timedelta(days=2)
    moments = [at(day, 0), at(day, 24) - timedelta(microseconds=1), at(day, 24)]
    insert(
        events,
        *(Event(event_type="asset_viewed", ip_asset_id="asset", occurred_at=m) for m in moments),
    )
    answer = get(ASSET, start=day, end=day + timedelta(days=1)).json()
    assert [point["views"] for point in answer["series"]] == [2, 1]


def test_growth_compares_with_as_many_days_before(events: psycopg.Connection, get: Get) -> None:
    days = [utc_today() - timedelta(days=n) for n in (0, 1, 2, 3, 3, 3)]
    insert(
        events,
        *(
            Event(event_type="asset_viewed", occurred_at=at(day, 0), visitor_id=str(number))
            for number, day in enumerate(days)
        ),
    )
    ranged = {"start": days[1], "end": days[0]}
    answer = get("/v1/platform/metrics", **ranged).json()
    assert answer["totals"]["views"] == 2
    assert answer["growth"]["views"] == -0.5
    assert answer["growth"]["clicks"] is None
    assert "previous" not in answer
    for path in ("/v1/platform/metrics", "/v1/assets/asset/metrics"):
        insert(
            events, Event(event_type="asset_uploaded", ip_asset_id="asset", occurred_at=at(days[3]))
        )
        previous = get(path, compare="previous", **ranged).json()["previous"]
        assert (previous["start"], previous["end"]) == (str(days[3]), str(days[2]))
        assert set(previous["totals"]) == set(METRICS)
