"""Events with everything in them that a file format can stumble over."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

FIRST = date(2026, 3, 1)
LAST = date(2026, 3, 4)
# The third day has no events.
DAYS = (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4))

NASTY = [
    'a "quoted" one', "comma, and more", "line\nbreak", "carriage\rreturn", "tab\there",
    "back\\slash", "\\.", "\\N", "NULL", "null", " leading", "trailing ", "'apostrophe",
    "ünïcödé 🦄 \u2028 \u00a0", "=1+1", "+1", "-1", "@x", "0042", "1e5", "{}", "%s",
    "\x01\x02\x7f", "", "\ufeffbom",
]  # fmt: skip
TEXTS = (
    "source", "actor_id", "anonymous_id", "session_id", "project_id", "ip_asset_id", "license_id",
    "user_id", "brand_id", "creator_id", "page_url", "landing_page", "referrer", "user_agent",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "click_id",
)  # fmt: skip
TYPES = ("asset_viewed", "page_viewed", "search_performed", "license_created")


def events(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` rows of raw.events over DAYS; the last days come last."""
    chosen = random.Random(seed)
    for number in range(count):
        day = DAYS[number * len(DAYS) // count]
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            microseconds=chosen.randrange(86_400_000_000)
        )
        row: dict[str, Any] = {
            name: chosen.choice(NASTY) if chosen.random() < 0.5 else None for name in TEXTS
        }
        yield row | {
            "event_id": UUID(int=chosen.getrandbits(128), version=4),
            "event_type": chosen.choice(TYPES),
            "source": row["source"] or "web",
            "actor_type": "user" if row["actor_id"] else None,
            "visitor_id": row["actor_id"] or f"visitor {number % 7}",
            "occurred_at": moment,
            "received_at": moment + timedelta(seconds=1),
            "sent_at": moment if chosen.random() < 0.5 else None,
            "country": chosen.choice(["DE", None]),
            "trust": chosen.choice([1, 2, 3]),
            "props_json": json.dumps(
                {"engagement_ms": number, "query": chosen.choice(NASTY), "deep": {"a": [1, None]}}
            ),
        }


def insert(connection: psycopg.Connection, *rows: dict[str, Any]) -> None:
    """Put rows into raw.events, in an order that is not that of time."""
    for day in {row["occurred_at"].date() for row in rows}:
        connection.execute("select raw.ensure_partition(%s)", (day,))
    names = list(rows[0])
    statement = sql.SQL("copy raw.events ({}) from stdin").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in random.Random(2).sample(rows, len(rows)):
            copy.write_row([row[name] for name in names])


def raw(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """What raw.events holds, by time."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("select * from raw.events order by occurred_at, event_id")
        return cursor.fetchall()
