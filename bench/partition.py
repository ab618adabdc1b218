"""Seconds of one partition of 1,000,000 events, from raw to both marts, next to hand-written SQL.

`python -m bench.partition` starts a PostgreSQL of its own in a temporary home, makes a day of
events and builds it in turns: with `eventmill backfill`, which is a Dagster run, and with
partition_baseline.sql on the same server. Before each turn the marts are emptied, as a night finds
its new day. At the end both must hold the same numbers.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.generate import generate_day
from eventmill.core.database import ensure_database
from eventmill.core.opening import set_up
from eventmill.runner.embedded import EmbeddedPostgres

EVENTS = 1_000_000
ROUNDS = 3
DAY = date(2026, 3, 1)
SMALL_DAY = date(2026, 2, 28)
BASELINE = Path(__file__).with_name("partition_baseline.sql")


def run(events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians in seconds, their ratios to the baseline, and every single measurement.

    `run` is the Dagster run, `process` all of the command with its imports and start-up.
    """
    runs, processes, baselines = [], [], []
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        generate_day(connection, SMALL_DAY, 1_000, seed=1)
        generate_day(connection, DAY, events, seed=2)
        # Manifest, schemas, tables and seeds are there on every night but the first.
        backfill(home, SMALL_DAY)
        _baseline(connection, SMALL_DAY)
        for _ in range(rounds):
            _empty(connection, "marts", "attribution, marts.daily_metrics, marts.build_receipts")
            seconds, result = backfill(home, DAY)
            processes.append(seconds)
            runs.append(result["seconds"])
            _empty(connection, "baseline", "attribution, baseline.daily_metrics")
            baselines.append(_baseline(connection, DAY))
        _require_same_numbers(connection)
    baseline = statistics.median(baselines)
    return {
        "events": events,
        "run_seconds": round(statistics.median(runs), 2),
        "process_seconds": round(statistics.median(processes), 2),
        "baseline_seconds": round(baseline, 2),
        "run_ratio": round(statistics.median(runs) / baseline, 2),
        "process_ratio": round(statistics.median(processes) / baseline, 2),
        "rounds": {
            "run": [round(s, 2) for s in runs],
            "process": [round(s, 2) for s in processes],
            "baseline": [round(s, 2) for s in baselines],
        },
    }


@contextmanager
def system() -> Iterator[tuple[str, str]]:
    """Home and database URL of a fresh, migrated system."""
    with tempfile.TemporaryDirectory(prefix="eventmill-bench-") as home:
        postgres = EmbeddedPostgres(Path(home))
        postgres.start()
        try:
            ensure_database(postgres.url)
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                set_up(connection)
            yield home, postgres.url
        finally:
            postgres.stop()


def backfill(home: str, day: date, last: date | None = None) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole command, and what it reports of its run."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("EVENTMILL_")}
    command = [str(Path(sys.executable).with_name("eventmill")), "backfill"]
    started = time.perf_counter()
    finished = subprocess.run(
        [*command, day.isoformat(), (last or day).isoformat(), "--json"],
        env={**others, "EVENTMILL_HOME": home},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = time.perf_counter() - started
    return seconds, json.loads(finished.stdout)


def _baseline(connection: psycopg.Connection, day: date) -> float:
    connection.execute("select set_config('bench.day', %s, false)", (day.isoformat(),))
    started = time.perf_counter()
    connection.execute(BASELINE.read_bytes())
    return time.perf_counter() - started


def _empty(connection: psycopg.Connection, schema: str, tables: str) -> None:
    """Empty the tables, and let the server write to disk what it still holds."""
    connection.execute(f"truncate {schema}.{tables}".encode())
    connection.execute("checkpoint")


NUMBERS = """
select
    (select count(*) from {schema}.attribution) as events,
    (select count(distinct (channel, device_type, referrer_domain)) from {schema}.attribution),
    count(*), sum(views), sum(clicks), sum(conversions), sum(revenue_cents), sum(unique_visitors),
    sum(engagement_time)
from {schema}.daily_metrics
"""


def _require_same_numbers(connection: psycopg.Connection) -> None:
    ours, theirs = (
        connection.execute(NUMBERS.format(schema=schema).encode()).fetchone()
        for schema in ("marts", "baseline")
    )
    if ours != theirs:
        raise RuntimeError(f"the marts hold {ours}, the baseline {theirs}")


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    shown = Table(title=f"One partition of {results['events']:,} events", title_justify="left")
    for column in ("how", "seconds", "ratio", "each round"):
        shown.add_column(column, justify="left" if column in {"how", "each round"} else "right")
    for name, how in (
        ("baseline", "hand-written SQL"),
        ("run", "Dagster run"),
        ("process", "`eventmill backfill`, all of it"),
    ):
        ratio = results.get(f"{name}_ratio", 1.0)
        each = ", ".join(f"{seconds:.1f}" for seconds in results["rounds"][name])
        shown.add_row(how, f"{results[f'{name}_seconds']:.1f}", f"{ratio:.2f}", each)
    return shown


if __name__ == "__main__":
    measured = run()
    Console(stderr=True).print(table(measured))
    print(json.dumps(measured, indent=2))
