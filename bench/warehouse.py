"""What is asked of exported days: DuckDB answers as the API does, and other warehouses take them.

`make bench ARGS=warehouse`, each in a PostgreSQL of its own in a temporary home:

- 90 days of 2,000 events are built and exported. DuckDB over the files and the dashboards API are
  asked for every day and the visitors of all days, of the platform and of the 20 most popular
  assets. It stops if a number differs.
- A day of 1,000,000 events is exported and loaded into DuckDB and into PostgreSQL, by
  `eventmill warehouse load`, and again after it was exported anew.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from bench.dashboards import ask, dashboards
from bench.export import DAY, RECEIPTS, exported
from bench.generate import generate_day
from bench.marketplace import build, environment, eventmill, fill
from bench.partition import system
from bench.questions import WINDOW, Question, Tokens, days_of

EVENTS_OF_A_DAY = 2_000
LOADED_EVENTS = 1_000_000
ASSETS = [f"asset_{number}" for number in range(1, 21)]
NUMBERS = ("views", "clicks", "conversions", "revenue_cents", "unique_visitors", "engagement_time")
NAMED = f"ip_asset_id in ({', '.join(repr(name) for name in ASSETS)})"
BY_DAY = f"""
select ip_asset_id, date::text as date, {", ".join(NUMBERS)}
from daily_metrics
where
    date between '{WINDOW.first}' and '{WINDOW.last}'
    and project_id is null and license_id is null
    and (ip_asset_id is null or {NAMED})
"""
PEOPLE = f"""
with people as (
    select events.ip_asset_id, attribution.visitor_id
    from attribution
    inner join events using (event_id, date)
    where not is_bot and date between '{WINDOW.first}' and '{WINDOW.last}'
)
select null as ip_asset_id, count(distinct visitor_id) as people
from people
union all
select ip_asset_id, count(distinct visitor_id)
from people
where {NAMED}
group by ip_asset_id
"""


def run(events: int = EVENTS_OF_A_DAY, loaded: int = LOADED_EVENTS) -> dict[str, Any]:
    """Seconds of questions and loads, and how many numbers were compared."""
    results = {"questions": questions(events), "loads": loads(loaded)}
    Console(stderr=True).print(table(results))
    return results


def questions(events: int) -> dict[str, Any]:
    """Raises RuntimeError if DuckDB and the API do not agree."""
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        fill(connection, events * len(WINDOW), WINDOW)
        build(home, connection, WINDOW)
        started = time.perf_counter()
        eventmill(home, "warehouse", "export", str(WINDOW.first), str(WINDOW.last))
        seconds = time.perf_counter() - started
        by_sql, asked = _by_sql(home)
        with dashboards(home, cache_mb=0) as port:
            by_the_api = _by_the_api(port, Tokens(home))
    for key in by_sql.keys() | by_the_api.keys():
        if by_sql.get(key) != by_the_api.get(key):
            raise RuntimeError(f"{key}: {by_sql.get(key)} in files, {by_the_api.get(key)} by API")
    return {
        "events": events * len(WINDOW),
        "days": len(WINDOW),
        "export_seconds": round(seconds, 1),
        "sql_seconds": asked,
        "equal_numbers": len(by_sql),
    }


def _by_sql(home: str) -> tuple[dict[Any, int], dict[str, float]]:
    """Numbers other than 0 by asset, day and name, and the seconds of both commands."""
    found, seconds = {}, {}
    started = time.perf_counter()
    for row in json.loads(eventmill(home, "warehouse", "sql", BY_DAY, "--json")):
        for name in NUMBERS:
            found[row["ip_asset_id"], row["date"], name] = row[name]
    seconds["daily_metrics"] = round(time.perf_counter() - started, 2)
    started = time.perf_counter()
    for row in json.loads(eventmill(home, "warehouse", "sql", PEOPLE, "--json")):
        found[row["ip_asset_id"], "all days", "unique_visitors"] = row["people"]
    seconds["people"] = round(time.perf_counter() - started, 2)
    return {key: number for key, number in found.items() if number}, seconds


def _by_the_api(port: int, tokens: Tokens) -> dict[Any, int]:
    found = {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    paths: Mapping[str | None, str] = {
        None: "/v1/platform/metrics",
        **{asset: f"/v1/assets/{asset}/metrics" for asset in ASSETS},
    }
    for asset, path in paths.items():
        _, answer = ask(connection, tokens, Question(f"{path}?{days_of()}", "admin", "root"))
        for point in answer["series"]:
            for name in NUMBERS:
                found[asset, point["date"], name] = point[name]
        found[asset, "all days", "unique_visitors"] = answer["totals"]["unique_visitors"]
    return {key: number for key, number in found.items() if number}


def loads(events: int) -> dict[str, Any]:
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        generate_day(connection, DAY, events, seed=1)
        connection.execute("create schema marts")
        connection.execute(RECEIPTS.encode(), ([DAY],))
        connection.execute("create database loaded")
        socket = conninfo_to_dict(url)["host"]
        places = {
            "duckdb": str(Path(home) / "loaded.duckdb"),
            "postgres": f"postgresql://eventmill:none@localhost:5432/loaded?host={socket}",
        }
        found: dict[str, Any] = defaultdict(dict)
        for turn in ("empty before", "replaced"):
            exported(home, DAY, "yes")
            for name, place in places.items():
                found[name][turn] = _load(home, name, place, events)
    return {"events": events, **found}


def _load(home: str, name: str, place: str, events: int) -> dict[str, Any]:
    """Seconds of the whole command, rows/s, and its peak memory."""
    given = {"EVENTMILL_WAREHOUSE_DESTINATION": name, "EVENTMILL_WAREHOUSE_CREDENTIALS": place}
    command = [str(Path(sys.executable).with_name("eventmill")), "warehouse", "load", "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment(home, **given), stdout=subprocess.PIPE, text=True
    )
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status or json.loads(said)["rows"] != events:
        raise RuntimeError(f"{name}: status {status}, {said}")
    return {
        "seconds": round(seconds, 1),
        "rows_per_second": round(events / seconds),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    asked, loaded = results["questions"], results["loads"]
    shown = Table(title="Exported days", title_justify="left")
    for column in ("what", "seconds", ""):
        shown.add_column(column, justify="right" if column == "seconds" else "left")
    what = f"{asked['days']} days, {asked['events']:,} events"
    shown.add_row(f"export of {what}", f"{asked['export_seconds']:.1f}")
    for name, seconds in asked["sql_seconds"].items():
        equal = f"{asked['equal_numbers']:,} numbers equal the API's"
        shown.add_row(f"eventmill warehouse sql over {name}", f"{seconds:.1f}", equal)
    for name in ("duckdb", "postgres"):
        for turn, found in loaded[name].items():
            shown.add_row(
                f"{loaded['events']:,} events into {name}, {turn}", f"{found['seconds']:.1f}",
                f"{found['rows_per_second']:,} rows/s, {found['peak_mb']:,} MB at most",
            )  # fmt: skip
    return shown


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
