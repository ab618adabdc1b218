"""The platform's summary, over built and unbuilt days, equals a count made here."""

import random
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.core.days import DayWindow, utc_today
from tests.dashboards_api import support
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.support import CHROME, GOOGLEBOT, Event, at, insert
from tests.enrichment import store_user_agents

TODAY = utc_today()
DAYS = 16
BUILT = [(DAYS, 9), (7, 2)]
KINDS = ("users", "creators", "brands", "assets", "licenses")


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def random_event(dice: random.Random) -> Event:
    kind = dice.choice(["user", "user", "creator", "brand", None])
    name = f"{kind}-{dice.randrange(9)}"
    types = {
        "user": ["user_signed_up", "asset_viewed", "page_viewed", "license_renewed"],
        "creator": ["asset_uploaded", "asset_viewed", "user_signed_up"],
        "brand": ["project_created", "license_created", "asset_viewed"],
        None: ["asset_viewed", "asset_uploaded", "license_expired", "user_signed_up"],
    }
    return Event(
        event_type=dice.choice(types[kind]),
        occurred_at=at(ago(dice.choice([0, 1, 2, 5, 7, 8, 9, 13, DAYS])), dice.choice([0, 23.99])),
        visitor_id=name if kind else f"somebody-{dice.randrange(9)}",
        actor_type=kind,
        actor_id=name if kind else None,
        ip_asset_id=dice.choice([None, *(f"asset-{n}" for n in range(12))]),
        project_id=dice.choice([None, "project"]),
        license_id=dice.choice([None, *(f"license-{n}" for n in range(9))]),
        brand_id=dice.choice([None, "acme", "zeta"]) if kind == "brand" else None,
        # Somebody else's upload, by the app's server; nobody of that name acts.
        creator_id=dice.choice([None, "creator-1", "silent"]) if kind is None else None,
        props_json={
            "revenue_cents": dice.choice([0, 5, 1299]),
            **({"starts_on": str(ago(dice.randrange(-3, 20)))} if dice.random() < 0.4 else {}),
            **({"ends_on": str(ago(dice.randrange(-3, 20)))} if dice.random() < 0.4 else {}),
        },
        user_agent=dice.choice([CHROME, CHROME, CHROME, GOOGLEBOT]),
    )


@pytest.fixture(scope="module")
def sent(events: psycopg.Connection) -> list[Event]:
    dice = random.Random(20150517)
    everything = [random_event(dice) for _ in range(160)]
    insert(events, *everything)
    store_user_agents(events, [CHROME, GOOGLEBOT])
    for first, last in BUILT:
        build(ago(first), ago(last))
    return everything


def uploader(event: Event) -> str | None:
    return event.actor_id if event.actor_type == "creator" else event.creator_id


def first_days(sent: Iterable[Event], name: Callable[[Event], str | None]) -> dict[str, date]:
    found: dict[str, date] = {}
    for event in sent:
        if (named := name(event)) is not None:
            found[named] = min(event.day, found.get(named, event.day))
    return found


def of_type(event_type: str, name: Callable[[Event], str | None]) -> Callable[[Event], str | None]:
    return lambda event: name(event) if event.event_type == event_type else None


def license_holds(sent: list[Event], number: str, day: date) -> bool:
    """By the rules of the guide, term by term."""
    created = {
        (e.ip_asset_id, e.brand_id)
        for e in sent
        if e.event_type == "license_created" and e.license_id == number
        and e.ip_asset_id and e.brand_id
    }  # fmt: skip
    return any(_holds_on(sent, number, asset, brand, day) for asset, brand in created)


def _holds_on(sent: list[Event], number: str, asset: Any, brand: Any, day: date) -> bool:
    def is_meant(event: Event) -> bool:
        if (event.ip_asset_id, event.brand_id) == (asset, brand):
            return event.license_id in (number, None)
        return event.license_id == number and event.event_type != "license_created"

    about = [event for event in sent if is_meant(event)]
    for term in about:
        if term.license_id != number or term.event_type not in (
            "license_created",
            "license_renewed",
        ):
            continue
        first = date.fromisoformat(term.props_json.get("starts_on", "0001-01-01"))
        last = date.fromisoformat(term.props_json.get("ends_on", "9999-12-31"))
        ended = any(
            end.event_type == "license_expired"
            and end.occurred_at >= term.occurred_at
            and end.day <= day
            for end in about
        )
        if first <= day <= last and not ended:
            return True
    return False


def expected(sent: list[Event], period: DayWindow) -> dict[str, Any]:
    counted = [event for event in sent if event.user_agent != GOOGLEBOT]
    acting = [event for event in counted if period.first <= event.day <= period.last]

    def counts(
        active: set[str], begun: dict[str, date], again: set[str] | None = None
    ) -> dict[str, int]:
        new = {name for name, day in begun.items() if period.first <= day <= period.last}
        known = {name for name, day in begun.items() if day <= period.last}
        return {
            "active": len(active),
            "new": len(new if again is None else again),
            "total": len(active | known),
        }

    licenses = {event.license_id for event in sent if event.license_id}
    held = {
        number for number in licenses if any(license_holds(sent, number, day) for day in period)
    }
    of_licenses = lambda e: e.license_id if e.event_type.startswith("license") else None  # noqa: E731
    created = first_days(sent, of_type("license_created", lambda e: e.license_id))
    return {
        "users": counts(
            {str(e.actor_id) for e in acting if e.actor_type == "user"},
            first_days(counted, of_type("user_signed_up", lambda e: e.visitor_id)),
            {e.visitor_id for e in acting if e.event_type == "user_signed_up"},
        ),
        "creators": counts(
            {str(e.actor_id) for e in acting if e.actor_type == "creator"},
            first_days(sent, of_type("asset_uploaded", uploader)),
        ),
        "brands": counts(
            {str(e.brand_id or e.actor_id) for e in acting if e.actor_type == "brand"},
            first_days(sent, lambda e: e.brand_id if e.event_type in LIFECYCLE else None),
        ),
        "assets": counts(
            {e.ip_asset_id for e in acting if e.ip_asset_id},
            first_days(sent, of_type("asset_uploaded", lambda e: e.ip_asset_id)),
        ),
        "licenses": counts(
            held,
            first_days(sent, of_licenses),
            {n for n, day in created.items() if period.first <= day <= period.last},
        ),
        "revenue_cents": support.metrics(acting)["revenue_cents"],
    }


LIFECYCLE = ("asset_uploaded", "project_created", "license_created", "license_expired",
             "license_renewed")  # fmt: skip


def change(now: int, before: int) -> float | None:
    return round((now - before) / before, 4) if before else None


@st.composite
def periods(draw: st.DrawFn) -> DayWindow:
    first = draw(st.integers(0, DAYS + 3))
    return DayWindow(ago(first), ago(draw(st.integers(-1, first))))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(period=periods())
def test_numbers_equal_a_count_of_the_raw_events(
    sent: list[Event], get: Get, period: DayWindow
) -> None:
    answer = get(
        "/v1/platform/summary", start=period.first, end=period.last, compare="previous"
    ).json()

    now = expected(sent, period)
    last = period.first - timedelta(days=1)
    previous = DayWindow(last - timedelta(days=len(period) - 1), last)
    before = expected(sent, previous)
    assert {name: answer[name] for name in now} == now
    assert answer["previous"] == {"start": str(previous.first), "end": str(previous.last), **before}
    for kind in KINDS:
        assert answer["growth"][kind] == {
            name: change(now[kind][name], before[kind][name]) for name in ("active", "new", "total")
        }
        assert answer[kind]["active"] <= answer[kind]["total"]
    growth = change(now["revenue_cents"], before["revenue_cents"])
    assert answer["growth"]["revenue_cents"] == growth


def test_there_is_no_previous_unless_asked_for(sent: list[Event], get: Get) -> None:
    answer = get("/v1/platform/summary").json()
    assert "previous" not in answer
    assert answer["range"]["start"] == str(ago(29))
    assert answer["meta"]["built_through"] == str(ago(2))


def test_a_crawler_never_seen_before_is_nobody(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    day = {"start": TODAY, "end": TODAY}
    before = get("/v1/platform/summary", **day).json()
    crawler = Event(
        event_type="asset_viewed",
        occurred_at=at(TODAY, 0),
        visitor_id="crawler",
        actor_type="user",
        actor_id="crawler",
        ip_asset_id="seen by a bot alone",
        user_agent="Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    )
    insert(events, crawler)
    try:
        after = get("/v1/platform/summary", **day).json()
    finally:
        events.execute("delete from raw.events where event_id = %s", (crawler.event_id,))
    assert {kind: after[kind] for kind in KINDS} == {kind: before[kind] for kind in KINDS}


def test_days_built_before_there_were_sets_are_live(
    sent: list[Event], events: psycopg.Connection, get: Get
) -> None:
    asked = {"start": ago(6), "end": ago(3)}
    before = get("/v1/platform/summary", **asked).json()
    row = "from intermediate.int_platform_days where date = %s"
    events.execute("create table kept (like intermediate.int_platform_days)")
    events.execute(f"insert into kept select * {row}".encode(), (ago(5),))
    events.execute(f"delete {row}".encode(), (ago(5),))
    try:
        after = get("/v1/platform/summary", **asked).json()
    finally:
        events.execute("insert into intermediate.int_platform_days select * from kept")
    assert {kind: after[kind] for kind in KINDS} == {kind: before[kind] for kind in KINDS}
    assert after["meta"]["as_of"] > before["meta"]["as_of"]
