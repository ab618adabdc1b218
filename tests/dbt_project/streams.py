"""Random streams of events for the tests of sessions and credits: each is a visitor of its own."""

import itertools
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import BOT, BROWSER
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

# Each example is one build of all days with the streams of many visitors: too slow to shrink.
few_builds = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
    ],
)  # fmt: skip

PAUSES = st.one_of(
    st.sampled_from([0, 0, SECOND, 10 * SECOND, 10 * SECOND + MICROSECOND * 1000, 5 * MINUTE]),
    st.sampled_from([30 * MINUTE, 30 * MINUTE + MICROSECOND, 29 * MINUTE, 31 * MINUTE]),
    st.sampled_from([3 * HOUR, 20 * HOUR, DAY, DAY + MICROSECOND, DAY - MICROSECOND, 26 * HOUR]),
    st.integers(0, 2 * HOUR),
)
ARRIVALS = st.sampled_from(
    [
        {},
        {},
        {"referrer": "https://www.shop.example/"},
        {"referrer": "https://blog.example.net/post"},
        {"utm_source": "Mail", "utm_medium": "email", "utm_campaign": "may"},
        {"utm_source": "mail", "utm_medium": "email", "utm_campaign": "june"},
        {"utm_source": "partner"},
    ]
)
TYPES = st.sampled_from(
    ["page_viewed", "page_viewed", "asset_viewed", "asset_downloaded", "license_created"]
)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events as fields of Event, `at` counted from the first day on; one visitor, maybe two ids."""
    ids = draw(st.sampled_from([[None], ["s"], ["s", "t"], [None, "s"], [None, "s", "t"]]))
    steady = draw(st.sampled_from([None, None, None, 30 * MINUTE, 15 * HOUR]))
    at = draw(st.sampled_from([0, 12 * HOUR, DAY - 20 * MINUTE])) + draw(st.integers(0, 5)) * DAY
    length = draw(st.integers(60, 110) if steady == 30 * MINUTE else st.integers(1, 14))
    events = []
    for _ in range(length):
        kind = draw(TYPES)
        props: dict[str, Any] = {}
        if kind == "license_created":
            props = {"revenue_cents": draw(st.sampled_from([0, 1, 7, 100, 99_999]))}
            props["currency"] = draw(st.sampled_from(["USD", "USD", "EUR"]))
        elif draw(st.booleans()):
            props = {"engagement_ms": draw(st.sampled_from([0, 6_000, 10_001]))}
        events.append(
            {
                "at": at,
                "rank": draw(st.integers(0, 255)),
                "event_type": kind,
                "session_id": draw(st.sampled_from(ids))
                if length < 20 or draw(ONE_IN_TEN)
                else None,
                "props": json.dumps(props),
                "user_agent": draw(st.sampled_from([None, BROWSER, BROWSER, BROWSER, BOT])),
                "page_url": draw(
                    st.sampled_from([None, "https://shop.example/a", "https://shop.example/b"])
                ),
                # The site's own host, so that a referrer on it is none.
                "landing_page": "https://shop.example/",
                "is_logged_in": draw(st.booleans()),
                **draw(ARRIVALS),
            }
        )
        at += steady if steady is not None else draw(PAUSES)
    return [event for event in events if event["at"] < DAYS * DAY]


_event_ids = itertools.count()
ONE_IN_TEN = st.integers(0, 9).map(lambda number: number == 0)


def insert(
    warehouse: Warehouse, day: date, stream: list[dict[str, Any]], name: str, linked: bool
) -> dict[str, list[Event]]:
    """Store a stream, last event first; returns the counted events by visitor."""
    made = events_of(day, stream, name)
    warehouse.insert(list(reversed(made)))
    if linked:
        warehouse.execute(
            "insert into raw.identities values (%s, %s, true, now())",
            f"anon-{name}",
            f"user-{name}",
        )
    visitors: dict[str, list[Event]] = {}
    for event in made:
        if event.user_agent != BOT:
            is_user = event.actor_id is not None or linked
            visitors.setdefault(f"{'user' if is_user else 'anon'}-{name}", []).append(event)
    return visitors


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
