"""Seconds of the whole graph: enrichment and every dbt model with its tests, as a Dagster run.

Three measurements, each in a PostgreSQL of its own in a temporary home:

- one day of 1,000,000 events, and how its seconds divide over the models;
- 30 days of 100,000 events as one backfill;
- one day of 100,000 events when the table holds 1, 5 and 10 million: flat in the history.
"""

import json
import re
import statistics
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.generate import generate_day
from bench.partition import backfill, system

FIRST = date(2026, 3, 1)
DAY_EVENTS = 1_000_000
RANGE_EVENTS, RANGE_DAYS = 100_000, 30
HISTORY = (1_000_000, 5_000_000, 10_000_000)
ROUNDS = 3
# How dbt's log, which the run's log holds, says what a model or one day of it took.
BUILT = re.compile(
    r"(?:Batch \d+ of \d+ OK created batch \S+ of|OK created sql (?!microbatch)\w+ model"
    r"|OK loaded seed file) (\S+) \.* ?\[.* in ([\d.]+)s\]"
)
TEST = re.compile(r"PASS (\S+) \.* ?\[.* in ([\d.]+)s\]")


def run() -> dict[str, Any]:
    """All three; seconds."""
    results = {"day": day(), "range": range_of_days(), "history": history()}
    Console(stderr=True).print(table(results))
    return results


def day(events: int = DAY_EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians of a day's build, the first of it and its rebuilds, and the seconds of each model."""
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        warm_up(connection, home)
        generate_day(connection, FIRST, events, seed=2)
        connection.execute("checkpoint")
        process, first = backfill(home, FIRST)
        models = seconds_of_models(home)
        again = [backfill(home, FIRST)[1]["seconds"] for _ in range(rounds - 1)]
    return {
        "events": events,
        "first_seconds": first["seconds"],
        "process_seconds": round(process, 2),
        "rebuild_seconds": statistics.median(again),
        "models": models,
        "sql_seconds": round(sum(models.values()), 2),
    }


def range_of_days(events: int = RANGE_EVENTS, days: int = RANGE_DAYS) -> dict[str, Any]:
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        warm_up(connection, home)
        for number in range(days):
            day = FIRST + timedelta(days=number)
            generate_day(connection, day, events, seed=number + 2, analyze=False)
        connection.execute("analyze raw.events")
        connection.execute("checkpoint")
        _, built = backfill(home, FIRST, FIRST + timedelta(days=days - 1))
        models = seconds_of_models(home)
    return {
        "events": events,
        "days": days,
        "seconds": built["seconds"],
        "models": models,
        "sql_seconds": round(sum(models.values()), 2),
    }


def history(events: int = RANGE_EVENTS, sizes: tuple[int, ...] = HISTORY) -> list[dict[str, Any]]:
    """A day built again, as history grows before it: the median of its turns."""
    grown: list[dict[str, Any]] = []
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        warm_up(connection, home)
        days = 0
        for size in sizes:
            first = FIRST + timedelta(days=days)
            while days * events < size:
                day = FIRST + timedelta(days=days)
                generate_day(connection, day, events, seed=days + 2, analyze=False)
                days += 1
            connection.execute("analyze raw.events")
            connection.execute("checkpoint")
            last = FIRST + timedelta(days=days - 1)
            added = (last - first).days + 1
            together = backfill(home, first, last)[1]["seconds"]
            again = [backfill(home, last)[1]["seconds"] for _ in range(ROUNDS)]
            grown.append(
                {
                    "events": size,
                    "days": days,
                    "day_seconds": round(statistics.median(again), 2),
                    "added_days": added,
                    "seconds_of_an_added_day": round(together / added, 2),
                }
            )
    return grown


def warm_up(connection: psycopg.Connection, home: str) -> None:
    """Manifest, schemas, tables and seeds are there on every night but the first."""
    before = FIRST - timedelta(days=30)
    generate_day(connection, before, 1_000, seed=1)
    backfill(home, before)


def seconds_of_models(home: str) -> dict[str, float]:
    """Seconds of each model over all its days in the latest run, and of all data tests together."""
    log = max((Path(home) / "logs").glob("backfill-*.log"), key=lambda file: file.stat().st_mtime)
    text = log.read_text()
    seconds: dict[str, float] = defaultdict(float)
    for name, spent in BUILT.findall(text):
        seconds[name.split(".")[-1]] += float(spent)
    seconds["data tests"] = sum(float(spent) for _, spent in TEST.findall(text))
    return {name: round(spent, 2) for name, spent in sorted(seconds.items(), key=lambda x: -x[1])}


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    shown = Table(title="The whole graph, a Dagster run", title_justify="left")
    for column in ("what", "seconds", "SQL", "slowest"):
        shown.add_column(column, justify="right" if column in {"seconds", "SQL"} else "left")
    day, days = results["day"], results["range"]
    for what, seconds, measured in (
        (f"a day of {day['events']:,} events, new", day["first_seconds"], day),
        ("the same day again", day["rebuild_seconds"], None),
        (f"{days['days']} days of {days['events']:,} events", days["seconds"], days),
    ):
        slowest = (
            ", ".join(f"{n} {s:.1f}" for n, s in list(measured["models"].items())[:5])
            if measured
            else ""
        )
        sql = f"{measured['sql_seconds']:.1f}" if measured else ""
        shown.add_row(what, f"{seconds:.1f}", sql, slowest)
    for grown in results["history"]:
        what = f"a day of {RANGE_EVENTS:,}, {grown['events']:,} in the table"
        shown.add_row(what, f"{grown['day_seconds']:.1f}", "", "")
        what = f"each of {grown['added_days']} days as one backfill"
        shown.add_row(what, f"{grown['seconds_of_an_added_day']:.1f}", "", "")
    return shown


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
