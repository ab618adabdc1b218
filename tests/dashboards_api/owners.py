"""What creators and brands have, and their numbers counted in Python."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api import support
from tests.dashboards_api.support import (
    CHANNELS,
    CHROME,
    GOOGLEBOT,
    Event,
    at,
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


def performance(events: Iterable[Event]) -> dict[str, int]:
    numbers = money(events)
    return {"impressions": numbers["views"], **{name: numbers[name] for name in PERFORMANCE}}


# License → what it is for, and on which days it holds.
HOLDS = {
    ("spring", "oak"): lambda day: day <= TODAY,
    ("spring", "elm"): lambda day: day <= ago(6),
    ("spring", "pine"): lambda day: day >= TODAY + timedelta(days=9),
}


SPENT = """
insert into raw.ad_spend (date, project_id, source, campaign, currency, cost_cents)
values (%s, %s, 'google', %s, %s, %s)
"""
