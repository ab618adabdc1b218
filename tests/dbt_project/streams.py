"""Random streams of events for the tests of sessions and credits: each is a visitor of its own."""

import itertools
import json
import random
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from eventmill.core.days import day_start
from tests.dbt_project.conftest import BOT, BROWSER
from tests.dbt_project.sessions_by_hand import Claim
from tests.dbt_project.warehouse import Event, Warehouse

DAYS = 8
MICROSECOND = 1
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MODELS = (
    "sessions", "touches", "conversions", "conversion_touches", "int_conversion_credits",
    "conversion_credits", "int_campaign_visits", "campaign_daily",
)  # fmt: skip
TABLES = {
    "marts.sessions": "started_at",
    "marts.conversions": "occurred_at",
    "marts.conversion_touches": "occurred_at",
    "intermediate.int_conversion_credits": "occurred_at",
    "intermediate.int_campaign_visits": "date",
}

# A seed is one build of all days with the streams of many visitors: too slow to shrink, and more
# than Hypothesis draws for one example.
few_builds = pytest.mark.parametrize("seed", range(3))
VISITORS = 60

PAUSES = (
    (0, 0, SECOND, 10 * SECOND, 10 * SECOND + MICROSECOND * 1000, 5 * MINUTE),
    (30 * MINUTE, 30 * MINUTE + MICROSECOND, 29 * MINUTE, 31 * MINUTE),
    (3 * HOUR, 20 * HOUR, DAY, DAY + MICROSECOND, DAY - MICROSECOND, 26 * HOUR),
    range(2 * HOUR),
)
ARRIVALS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"referrer": "https://www.shop.example/"},
    {"referrer": "https://blog.example.net/post"},
    {"utm_source": "Mail", "utm_medium": "email", "utm_campaign": "may"},
    {"utm_source": "mail", "utm_medium": "email", "utm_campaign": "june"},
    {"utm_source": "partner"},
)
TYPES = ("page_viewed", "page_viewed", "asset_viewed", "asset_downloaded", "license_created")
IDS: tuple[list[str | None], ...] = ([None], ["s"], ["s", "t"], [None, "s"], [None, "s", "t"])


def _stream(draw: random.Random) -> list[dict[str, Any]]:
    """Events as fields of Event, `at` counted from the first day on; one visitor, maybe two ids."""
    ids = draw.choice(IDS)
    steady = draw.choice([None, None, None, 30 * MINUTE, 15 * HOUR])
    at = draw.choice([0, 12 * HOUR, DAY - 20 * MINUTE]) + draw.randint(0, 5) * DAY
    length = draw.randint(60, 110) if steady == 30 * MINUTE else draw.randint(1, 14)
    events = []
    for _ in range(length):
        kind = draw.choice(TYPES)
        props: dict[str, Any] = {}
        if kind == "license_created":
            props = {"revenue_cents": draw.choice([0, 1, 7, 100, 99_999])}
            props["currency"] = draw.choice(["USD", "USD", "EUR"])
        elif draw.random() < 0.5:
            props = {"engagement_ms": draw.choice([0, 6_000, 10_001])}
        events.append(
            {
                "at": at,
                "rank": draw.randint(0, 255),
                "event_type": kind,
                "session_id": draw.choice(ids) if length < 20 or draw.random() < 0.1 else None,
                "props": json.dumps(props),
                "user_agent": draw.choice([None, BROWSER, BROWSER, BROWSER, BOT]),
                "page_url": draw.choice([None, "https://shop.example/a", "https://shop.example/b"]),
                # The site's own host, so that a referrer on it is none.
                "landing_page": "https://shop.example/",
                "is_logged_in": draw.random() < 0.5,
                "trust": draw.choice([3, 3, 2, 1, 1]),
                "delay": draw.choice([0, 0, SECOND, HOUR, 30 * HOUR]),
                **draw.choice(ARRIVALS),
            }
        )
        at += steady if steady is not None else draw.choice(draw.choice(PAUSES))
    return [event for event in events if event["at"] < DAYS * DAY]


LINK = """
insert into raw.identities (anonymous_id, user_id, verified, first_seen_at, received_at)
values (%s, %s, %s, now(), %s)
"""


class Built(NamedTuple):
    """Streams that are stored and built: their first day, and the counted events by visitor."""

    day: date
    visitors: dict[str, list[Event]]
    claimed_at: dict[str, datetime]
    """User whose anonymous id is linked by a browser's claim → when it was received."""

    def claim(self, visitor: str) -> Claim | None:
        """What a claim adds to the visitor."""
        if visitor not in self.claimed_at:
            return None
        before = self.visitors.get(visitor.replace("user-", "anon:anon-"), [])
        return Claim(self.claimed_at[visitor], before)


@cache
def built(warehouse: Warehouse, seed: int) -> Built:
    """A seed's streams, stored and built once."""
    draw = random.Random(seed)
    # Before the days that tests have for themselves.
    first = date(2018, 1, 1) + timedelta(days=10 * seed)
    visitors: dict[str, list[Event]] = defaultdict(list)
    claimed_at: dict[str, datetime] = {}
    for number in range(VISITORS):
        name = f"{first}-{number}"
        made = events_of(first, _stream(draw), name)
        warehouse.insert(list(reversed(made)))
        link = draw.choice(["none", "verified", "claimed"])
        linked_at = day_start(first) + timedelta(microseconds=draw.randrange(DAYS * DAY))
        if link != "none":
            warehouse.execute(LINK, f"anon-{name}", f"user-{name}", link == "verified", linked_at)
        if link == "claimed":
            claimed_at[f"user-{name}"] = linked_at
        for event in made:
            if event.user_agent == BOT:
                continue
            assert event.received_at
            holds = link == "verified" or (link == "claimed" and event.received_at >= linked_at)
            if event.actor_id is None and holds:
                event = replace(event, reached_by=link)
            is_user = event.actor_id is not None or holds
            visitors[f"{'user' if is_user else 'anon:anon'}-{name}"].append(event)
    build(warehouse, first, first + timedelta(days=DAYS))
    return Built(first, dict(visitors), claimed_at)


_event_ids = itertools.count()


def events_of(day: date, stream: list[dict[str, Any]], name: str) -> list[Event]:
    made = []
    for fields in stream:
        at = fields["at"]
        user = f"user-{name}" if fields["is_logged_in"] else None
        rest = {k: v for k, v in fields.items() if k not in ("at", "rank", "is_logged_in")}
        made.append(
            Event(
                day + timedelta(days=at // DAY),
                at=at % DAY,
                visitor_id=user or f"anon-{name}",
                anonymous_id=f"anon-{name}",
                actor_id=user,
                # In an order of its own among equal times, and no other's.
                event_id=UUID(int=fields["rank"] << 120 | next(_event_ids)),
                **rest,
            )
        )
    return made


def build(warehouse: Warehouse, first: date, last: date) -> None:
    """The models of these tests, of the days, in one invocation."""
    warehouse.run(first, last, *MODELS)


def contents(warehouse: Warehouse, first: date, last: date) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the tables with days from `first` to `last`, but for when they were built."""
    return {
        table: warehouse.rows(
            f"select (to_jsonb(t) - 'created_at')::text from {table} t"
            f" where {column} >= %s and {column} < %s order by 1",
            str(first),
            str(last + timedelta(days=1)),
        )
        for table, column in TABLES.items()
    }
