"""What the events table costs: each index and trigger when events are stored, and a closed day.

`make bench ARGS=events_table` stores a day of 500,000 events in one transaction, again and again:
with all indexes and triggers, and without one of them in turn. Then it looks whether compacting a
day that is over (rows in the order of the asset) makes it smaller or faster to read.
"""

import statistics
import time
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from rich.console import Console
from rich.table import Table

from bench.generate import generate_day
from bench.partition import system

DAY = date(2026, 3, 1)
EVENTS = 500_000
ROUNDS = 3
STORE: LiteralString = "insert into raw.events select * from stored"
CLAIM: LiteralString = "insert into raw.event_ids select event_id, occurred_at from stored"
# What is left out → how.
PARTS: dict[str, LiteralString] = {
    "index by asset": "drop index raw.events_ip_asset_id",
    "index by project": "drop index raw.events_project_id",
    "index by license": "drop index raw.events_license_id",
    "index of what earns": "drop index raw.events_earning",
    "copy of lifecycle events": "drop trigger keep_lifecycle_event on raw.events",
    "all of these": """
        drop index raw.events_ip_asset_id; drop index raw.events_project_id;
        drop index raw.events_license_id; drop index raw.events_earning;
        drop trigger keep_lifecycle_event on raw.events
    """,
}
CLOSED: Final = "raw.events_20260301"
READS: dict[str, LiteralString] = {
    "the whole day": f"select count(*), count(distinct visitor_id) from {CLOSED}",
    "a popular asset": f"select count(referrer) from {CLOSED} where ip_asset_id = 'asset_1'",
}
COMPACTIONS: dict[str, LiteralString] = {
    "as stored": f"analyze {CLOSED}",
    "vacuum (freeze)": f"vacuum (freeze, analyze) {CLOSED}",
    "rows by asset": f"""
        create temporary table sorted as select * from {CLOSED} order by ip_asset_id, occurred_at;
        truncate {CLOSED};
        set session_replication_role = replica;  -- what the trigger keeps is kept already
        insert into {CLOSED} select * from sorted;
        reset session_replication_role;
        drop table sorted;
        analyze {CLOSED}
    """,
}


def run(events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Microseconds per event of each part, and sizes and times of a compacted day."""
    with system() as (_, url), psycopg.connect(url, autocommit=True) as connection:
        generate_day(connection, DAY, events, seed=1)
        connection.execute("create table stored as select * from raw.events")
        connection.execute("truncate raw.events")
        results = {
            "events": events,
            "microseconds_per_event": _parts(connection, events, rounds),
            "closed_day": _closed_day(connection, rounds),
        }
    Console(stderr=True).print(*tables(results))
    return results


def _parts(connection: psycopg.Connection, events: int, rounds: int) -> dict[str, float]:
    """What each part adds: the median of all together minus that without it."""
    seconds: dict[str, list[float]] = {"everything": [], "claim of ids": []}
    seconds |= {name: [] for name in PARTS}
    for _ in range(rounds):
        seconds["everything"].append(_stored(connection, "select", STORE))
        seconds["claim of ids"].append(_stored(connection, "select", CLAIM))
        for name, change in PARTS.items():
            seconds[name].append(_stored(connection, change, STORE))
    each = {name: statistics.median(found) / events * 1e6 for name, found in seconds.items()}
    whole = each.pop("everything")
    added = {name: whole - each[name] for name in PARTS}
    added |= {"claim of ids": each["claim of ids"], "everything, without claims": whole}
    return {name: round(found, 2) for name, found in added.items()}


def _stored(connection: psycopg.Connection, change: LiteralString, query: LiteralString) -> float:
    """Seconds of storing the day after `change`; both are rolled back."""
    with connection.transaction(force_rollback=True):
        connection.execute(change)
        started = time.perf_counter()
        connection.execute(query)
        seconds = time.perf_counter() - started
    connection.execute("vacuum raw.events, raw.event_ids, raw.lifecycle_events")
    return seconds


def _closed_day(connection: psycopg.Connection, rounds: int) -> dict[str, dict[str, float]]:
    connection.execute(STORE)
    found = {}
    for name, statement in COMPACTIONS.items():
        started = time.perf_counter()
        connection.execute(statement)
        row: dict[str, float] = {"seconds": round(time.perf_counter() - started, 2)}
        size = connection.execute(f"select pg_total_relation_size('{CLOSED}') / 1e6").fetchone()
        row["mb"] = round(float(size[0]), 1) if size else 0
        for read, query in READS.items():
            row[f"{read}, ms"] = round(min(_timed(connection, query) for _ in range(rounds + 1)), 1)
        found[name] = row
    return found


def _timed(connection: psycopg.Connection, query: LiteralString) -> float:
    started = time.perf_counter()
    connection.execute(query).fetchall()
    return (time.perf_counter() - started) * 1000


def tables(results: dict[str, Any]) -> list[Table]:
    """The results for people."""
    parts = Table(title=f"Storing {results['events']:,} events", title_justify="left")
    parts.add_column("part")
    parts.add_column("µs per event", justify="right")
    for name, spent in results["microseconds_per_event"].items():
        parts.add_row(name, f"{spent:.2f}")
    closed = Table(title="A day that is over", title_justify="left")
    columns = next(iter(results["closed_day"].values()))
    for column in ("", *columns):
        closed.add_column(column, justify="right" if column else "left")
    for name, row in results["closed_day"].items():
        closed.add_row(name, *(f"{number:,.1f}" for number in row.values()))
    return [parts, closed]
