"""What a query must answer, counted in plain Python from the events. Written from the contract."""

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.dashboards_api.support import BOTS, CHANNELS, CHROME, GOOGLEBOT, Event, at, metrics

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
# user agent → (device, browser, os)
DEVICES = {
    None: ("other", None, None),
    CHROME: ("desktop", "Chrome", "Windows"),
    IPHONE: ("mobile", "Mobile Safari", "iOS"),
}
# (referrer, utm_source, utm_medium) → (source, medium)
SOURCES = {
    (None, None, None): ("(direct)", "(none)"),
    ("https://www.google.com/search?q=ip", None, None): ("google", "organic"),
    ("https://t.co/Xyz", None, None): ("twitter", "referral"),
    ("https://a-blog.example/post", None, None): ("a-blog.example", "referral"),
    (None, "google", "cpc"): ("google", "cpc"),
    ("https://mail.example/", "newsletter", "email"): ("newsletter", "email"),
}
ASSETS = ("a", "b", "c", "Ünï_%\\", None)
PROJECTS = ("p", "q", None, None)
CAMPAIGNS = ("spring", "50%_off", None, None)
COUNTRIES = ("DE", "FR", None)
DIMENSIONS = (
    "date", "week", "month", "asset", "project", "channel", "source", "medium", "campaign",
    "country", "device", "browser", "os", "actor_type",
)  # fmt: skip
METRICS = (
    "views", "clicks", "conversions", "revenue_cents", "engagement_time", "unique_visitors",
    "events",
)  # fmt: skip
TYPES = ("asset_viewed",) * 5 + ("asset_downloaded", "page_viewed", "license_renewed")

Key = tuple[Any, ...]


def some_events(dice: random.Random, count: int, days: list[date]) -> list[Event]:
    events = []
    for _ in range(count):
        referrer, source, medium = dice.choice(list(CHANNELS))
        who = f"visitor-{dice.randrange(30)}"
        role = dice.choice(["user", "brand", None])
        events.append(
            Event(
                event_type=dice.choice(TYPES),
                occurred_at=at(dice.choice(days), dice.choice([0, 11, 23.99])),
                visitor_id=who,
                anonymous_id=who,
                actor_type=role,
                actor_id=who if role else None,
                ip_asset_id=dice.choice(ASSETS),
                project_id=dice.choice(PROJECTS),
                user_agent=dice.choice([*DEVICES, GOOGLEBOT]),
                referrer=referrer,
                utm_source=source,
                utm_medium=medium,
                utm_campaign=dice.choice(CAMPAIGNS),
                country=dice.choice(COUNTRIES),
                props_json={
                    "revenue_cents": dice.randrange(10_000),
                    "engagement_ms": dice.randrange(500),
                },
            )
        )
    return events


def values_of(event: Event) -> dict[str, Any]:
    """The value of each dimension."""
    how = (event.referrer, event.utm_source, event.utm_medium)
    channel, (source, medium) = CHANNELS[how], SOURCES[how]
    if event.utm_campaign and not any(how):  # a campaign from nowhere
        channel, source, medium = "unassigned", "(not set)", "(not set)"
    device, browser, system = DEVICES[event.user_agent]
    return {
        "date": event.day.isoformat(),
        "week": (event.day - timedelta(days=event.day.weekday())).isoformat(),
        "month": event.day.replace(day=1).isoformat(),
        "asset": event.ip_asset_id,
        "project": event.project_id,
        "channel": channel,
        "source": source,
        "medium": medium,
        "campaign": event.utm_campaign,
        "country": event.country,
        "device": device,
        "browser": browser,
        "os": system,
        "actor_type": event.actor_type,
    }


OPEN_METRICS = {"views", "clicks", "unique_visitors", "engagement_time"}
OPEN_DIMENSIONS = {"date", "week", "month", "asset"}


@dataclass(frozen=True)
class Rights:
    """Whose rows somebody sees; None is everybody's. Of `licensed` assets it is OPEN_METRICS of all
    rows, and only by OPEN_DIMENSIONS."""

    assets: Collection[str] | None = None
    projects: Collection[str] = ()
    licensed: Collection[str] = ()

    def sees(self, event: Event) -> bool:
        if self.assets is None:
            return True
        return event.ip_asset_id in self.assets or event.project_id in self.projects


def holds(event: Event, field: str, op: str, value: Any) -> bool:
    """Whether an event passes a filter."""
    found = values_of(event)[field]
    tests: dict[str, Callable[[], bool]] = {
        "is": lambda: found == value,
        "is_not": lambda: found != value,
        "in": lambda: found in value,
        "not_in": lambda: found not in value,
        "contains": lambda: found is not None and value in found,
    }
    return tests[op]()


def counted(
    events: Iterable[Event],
    rights: Rights,
    first: date,
    last: date,
    dimensions: Collection[str],
    filters: Collection[dict[str, Any]],
) -> dict[Key, dict[str, int]]:
    """Group → its numbers. Without dimensions there is one group, also of no events."""
    groups: dict[Key, list[Event]] = {} if dimensions else {(): []}
    for event in events:
        if event.user_agent in BOTS or not first <= event.day <= last or not rights.sees(event):
            continue
        if all(holds(event, one["field"], one["op"], one["value"]) for one in filters):
            values = values_of(event)
            groups.setdefault(tuple(values[name] for name in dimensions), []).append(event)
    return {key: {**metrics(members), "events": len(members)} for key, members in groups.items()}


def counted_as_seen(
    events: Collection[Event], rights: Rights, first: date, last: date, body: dict[str, Any]
) -> dict[Key, dict[str, int]]:
    """What `counted` finds for a question, with each metric of the rows that it is counted for."""
    dimensions, filters, metrics = body["dimensions"], body["filters"], body["metrics"]
    own = counted(events, rights, first, last, dimensions, filters)
    asked = {*dimensions, *(one["field"] for one in filters)}
    if not rights.licensed or not asked <= OPEN_DIMENSIONS or OPEN_METRICS.isdisjoint(metrics):
        return own
    wider = Rights({*(rights.assets or ()), *rights.licensed}, rights.projects)
    everyone = counted(events, wider, first, last, dimensions, filters)
    return {
        key: {
            name: value if name in OPEN_METRICS else own.get(key, {}).get(name, 0)
            for name, value in numbers.items()
        }
        for key, numbers in everyone.items()
    }


def in_order(
    groups: dict[Key, dict[str, int]],
    dimensions: Collection[str],
    order: Collection[tuple[str, bool]],
) -> list[dict[str, Any]]:
    """Rows, sorted by `order` (name, descends), then by the dimensions; null last."""
    names = list(dimensions)
    rows = [{**dict(zip(names, key, strict=True)), **numbers} for key, numbers in groups.items()]
    given = [name for name, _ in order]
    for name, descends in reversed([*order, *((n, False) for n in names if n not in given)]):
        there = sorted(
            (row for row in rows if row[name] is not None),
            key=lambda row: row[name],
            reverse=descends,
        )
        rows = there + [row for row in rows if row[name] is None]
    return rows
