"""A day of 1,000,000 events as Parquet, next to `COPY … TO STDOUT` of the same rows.

`make bench ARGS=export` starts a PostgreSQL of its own in a temporary home, makes the day, and
exports it in a process of its own: with pseudonyms and with the ids as they are. COPY is what the
server can give at most: in the order of the files, for which it has to sort, and as the rows lie
there. Then the table gets 9,000,000 more events: how much memory the process takes at most.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import date
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.generate import generate_day
from bench.partition import system
from eventmill.warehouse import table_named
from eventmill.warehouse.source import day_query
from eventmill.warehouse.types import columns_of

DAY = date(2026, 3, 1)
LARGE_DAY = date(2026, 3, 2)
EVENTS = 1_000_000
LARGE_EVENTS = 9_000_000
ROUNDS = 3
# Receipts say that the days are built; how long the marts take is another benchmark.
RECEIPTS = """
create table marts.daily_builds as
select
    day::date as date, now() as built_at, ''::text as definition, 0::bigint as events,
    now() as watermark, null::text as parser_version, null::uuid as build_id
from unnest(%s::date[]) as day
"""


def run(events: int = EVENTS, large: int = LARGE_EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds, rows/s, bytes and peak MB; medians of `rounds` rounds in turns."""
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        generate_day(connection, DAY, events, seed=1)
        connection.execute("create schema marts")
        connection.execute(RECEIPTS.encode(), ([DAY, LARGE_DAY],))
        found: dict[str, list[Any]] = {
            name: [] for name in ("copied", "copied_sorted", "hashed", "plain")
        }
        _copied(connection, is_sorted=False)  # into the server's memory
        for _ in range(rounds):
            found["copied"].append(_copied(connection, is_sorted=False))
            found["copied_sorted"].append(_copied(connection, is_sorted=True))
            found["hashed"].append(exported(home, DAY, "yes"))
            found["plain"].append(exported(home, DAY, "no"))
        results = {"events": events, **_medians(found, events)}
        if large:
            generate_day(connection, LARGE_DAY, large, seed=2)
            results["large_table"] = {
                "events": events + large,
                f"day of {events}": exported(home, DAY, "yes"),
                f"day of {large}": exported(home, LARGE_DAY, "yes"),
            }
    Console(stderr=True).print(table(results))
    return results


def _medians(found: dict[str, list[Any]], events: int) -> dict[str, Any]:
    copies = {name: statistics.median(found[name]) for name in ("copied", "copied_sorted")}
    results: dict[str, Any] = {f"{name}_seconds": round(s, 2) for name, s in copies.items()}
    for name in ("hashed", "plain"):
        seconds = statistics.median(one["seconds"] for one in found[name])
        results[name] = {
            "seconds": round(seconds, 2),
            "rows_per_second": round(events / seconds),
            "bytes": found[name][0]["bytes"],
            "peak_mb": max(one["peak_mb"] for one in found[name]),
            "ratio_to_copy": round(seconds / copies["copied"], 2),
            "ratio_to_sorted_copy": round(seconds / copies["copied_sorted"], 2),
            "rounds": [one["seconds"] for one in found[name]],
        }
    return results


def _copied(connection: psycopg.Connection, *, is_sorted: bool) -> float:
    """Seconds until the client has read all rows of the day, and thrown them away."""
    events = table_named("events")
    columns = columns_of(connection, events)
    query = day_query(events, columns, DAY, redacted=False).as_string(connection)
    if not is_sorted:
        query = query.partition(" order by ")[0]
    connection.execute("set work_mem = '64MB'")
    started = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout".encode()) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - started


def exported(home: str, day: date, pseudonymise: str) -> dict[str, Any]:
    """What a process says that exports the events of the day."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("EVENTMILL_")}
    finished = subprocess.run(
        [sys.executable, "-m", "bench.export", day.isoformat()],
        env={
            **others,
            "EVENTMILL_HOME": home,
            "EVENTMILL_WAREHOUSE_PSEUDONYMISE": pseudonymise,
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def _export(day: date) -> dict[str, Any]:
    """Export the events of a day in this process: seconds without imports, and its peak memory."""
    import resource

    from eventmill.core.database import connect
    from eventmill.warehouse import open_root
    from eventmill.warehouse.exporting import export_day
    from eventmill.warehouse.pseudonyms import pseudonyms_for

    root = open_root()
    with connect(autocommit=True) as connection:
        started = time.perf_counter()
        events = [table_named("events")]
        [written] = export_day(connection, root, day, events, pseudonyms_for(root.url))
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds, 2),
        "rows": written.rows,
        "files": len(written.files),
        "bytes": written.total_bytes,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    shown = Table(title=f"A day of {results['events']:,} events", title_justify="left")
    for column in ("how", "seconds", "rows/s", "MB", "peak MB", "× COPY", "× sorted COPY"):
        shown.add_column(column, justify="left" if column == "how" else "right")
    for name, how in (
        ("copied", "COPY as it lies"),
        ("copied_sorted", "COPY in the files' order"),
    ):
        seconds = results[f"{name}_seconds"]
        shown.add_row(how, f"{seconds:.1f}", f"{results['events'] / seconds:,.0f}")
    for name, how in (("plain", "Parquet, ids as they are"), ("hashed", "Parquet, pseudonyms")):
        found = results[name]
        shown.add_row(
            how, f"{found['seconds']:.1f}", f"{found['rows_per_second']:,}",
            f"{found['bytes'] / 1e6:.0f}", str(found["peak_mb"]),
            f"{found['ratio_to_copy']:.2f}", f"{found['ratio_to_sorted_copy']:.2f}",
        )  # fmt: skip
    for name, found in results.get("large_table", {}).items():
        if isinstance(found, dict):
            shown.add_row(
                f"{name}, of 10,000,000 events", f"{found['seconds']:.1f}",
                f"{found['rows'] / found['seconds']:,.0f}", f"{found['bytes'] / 1e6:.0f}",
                str(found["peak_mb"]),
            )  # fmt: skip
    return shown


if __name__ == "__main__":
    print(json.dumps(_export(date.fromisoformat(sys.argv[1]))))
