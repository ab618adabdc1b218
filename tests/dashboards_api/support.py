"""Events as rows of raw.events, and what a dashboard must answer for them, counted in Python.

Nothing here reads a definition of the product: it is written from the contract.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BOTS = {GOOGLEBOT}
# (referrer, utm_source, utm_medium) → channel
CHANNELS = {
    (None, None, None): "direct",
    ("https://www.google.com/search?q=ip", None, None): "organic_search",
    ("https://t.co/Xyz", None, None): "organic_social",
    ("https://a-blog.example/post", None, None): "referral",
    (None, "google", "cpc"): "paid_search",
    ("https://mail.example/", "newsletter", "email"): "email",
}
METRICS = (
    "views",
    "clicks",
    "conversions",
    "revenue_cents",
    "unique_visitors",
    "engagement_time",
)
ZEROS = dict.fromkeys(METRICS, 0)


@dataclass(frozen=True, kw_only=True)
class Event:
    event_type: str
    occurred_at: datetime
    visitor_id: str = "visitor"
    ip_asset_id: str | None = None
    project_id: str | None = None
    license_id: str | None = None
    brand_id: str | None = None
    creator_id: str | None = None
    anonymous_id: str | None = None
    actor_type: str | None = None
    actor_id: str | None = None
    props_json: dict[str, Any] = field(default_factory=dict)
    user_agent: str | None = None
    referrer: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    country: str | None = None
    page_url: str | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    event_id: UUID = field(default_factory=uuid4)

    @property
    def visitor(self) -> tuple[str, str]:
        """Whom it is counted as, by the kind of the id that says so; without links."""
        if self.actor_id:
            return "actor", self.actor_id
        if self.anonymous_id:
            return "anonymous", self.anonymous_id
        return "hash", self.visitor_id

    @property
    def day(self) -> date:
        return self.occurred_at.astimezone(UTC).date()


INSERT = sql.SQL("insert into raw.events ({columns}) values ({values})").format(
    columns=sql.SQL(", ").join(sql.Identifier(f.name) for f in fields(Event)),
    values=sql.SQL(", ").join(sql.Placeholder() for _ in fields(Event)),
)


def insert(connection: psycopg.Connection, *events: Event) -> None:
    for day in {event.day for event in events}:
        connection.execute("select raw.ensure_partition(%s)", (day,))
    rows = [
        [Jsonb(value) if isinstance(value, dict) else value for value in astuple(event)]
        for event in events
    ]
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def at(day: date, hour: float = 12) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def metrics(events: Iterable[Event]) -> dict[str, int]:
    """The six numbers of these events."""
    counted = [event for event in events if event.user_agent not in BOTS]
    types = [event.event_type for event in counted]
    return {
        "views": types.count("asset_viewed"),
        "clicks": types.count("asset_downloaded") + types.count("license_clicked"),
        "conversions": types.count("license_created"),
        "revenue_cents": sum(
            _whole_number(event.props_json.get("revenue_cents"))
            for event in counted
            if event.event_type in ("license_created", "license_renewed")
        ),
        "unique_visitors": len({event.visitor for event in counted}),
        "engagement_time": sum(_whole_number(e.props_json.get("engagement_ms")) for e in counted),
    }


def series(events: Iterable[Event], first: date, last: date, interval: str) -> list[dict[str, Any]]:
    points: dict[date, list[Event]] = {}
    for number in range((last - first).days + 1):
        points.setdefault(_label(first + timedelta(days=number), interval), [])
    for event in events:
        points[_label(event.day, interval)].append(event)
    return [{"date": str(label), **metrics(members)} for label, members in points.items()]


def channels(events: Iterable[Event]) -> dict[str, dict[str, int]]:
    found = defaultdict(list)
    for event in events:
        if event.user_agent not in BOTS:
            key = (event.referrer, event.utm_source, event.utm_medium)
            found[CHANNELS[key]].append(event)
    return {channel: metrics(members) for channel, members in found.items()}


def _label(day: date, interval: str) -> date:
    if interval == "week":
        return date.fromisocalendar(*day.isocalendar()[:2], 1)
    return date(day.year, day.month, 1) if interval == "month" else day


def _whole_number(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value >= 0 else 0
