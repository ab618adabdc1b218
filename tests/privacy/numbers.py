"""All numbers that are built, with people by their ids: how they are numbered is no matter."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg

from tests.support import rows

TABLES = (
    "marts.attribution",
    "marts.sessions",
    "marts.conversions",
    "marts.conversion_touches",
    "marts.daily_metrics",
    "marts.traffic_daily",
    "intermediate.int_conversion_credits",
    "intermediate.int_campaign_visits",
    "intermediate.int_entity_days",
    "intermediate.int_traffic_days",
    "intermediate.int_platform_visitors",
)
# When it was built is no number.
LEFT_OUT = ("created_at", "updated_at")


def numbers(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Table → its rows as JSON text, in order."""
    people = dict(rows(connection, "select visitor_number, visitor_id from marts.visitors"))
    found = {}
    for table in TABLES:
        cursor = connection.execute(f"select t.* from {table} as t".encode())
        names = [column.name for column in cursor.description or []]
        found[table] = sorted(
            json.dumps(dict(_readable(zip(names, row, strict=True), people)), default=str)
            for row in cursor
        )
    return found


def _readable(
    fields: Iterator[tuple[str, Any]], people: dict[int, str]
) -> Iterator[tuple[str, Any]]:
    for name, value in fields:
        if name == "visitor_number":
            yield name, people[value]
        elif name == "visitors":
            packed = [value[at : at + 4] for at in range(0, len(value), 4)]
            yield name, sorted(people[int.from_bytes(number)] for number in packed)
        elif name == "bits":
            yield name, sorted(people[number] for number in _bits(value))
        elif name not in LEFT_OUT:
            yield name, value


def _bits(packed: bytes) -> Iterator[int]:
    for at in range(0, len(packed), 8):
        word = int.from_bytes(packed[at : at + 8])
        yield from (at * 8 + bit for bit in range(64) if word >> bit & 1)
