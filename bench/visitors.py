"""Milliseconds for the unique visitors of 90 days, with 10,000,000 events of 500,000 visitors.

`make bench ARGS=visitors` starts a PostgreSQL of its own in a temporary home, fills raw.events,
builds the sets of visitors with the real models, and asks for one asset after the other, for a
creator of 100 assets, and for the platform: in the dashboards API's function, and over HTTP.
Each kind is compared with count(distinct visitor_id) over the events.
"""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import AsyncConnection
from rich.console import Console
from rich.table import Table

from bench.partition import system
from dashboards_api.database import create_pool, snapshot
from dashboards_api.metrics.breakdowns import EVERYTHING, Breakdown, of_assets
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import Scope
from dashboards_api.metrics.service import count
from eventmill.core.days import DayWindow

EVENTS = 10_000_000
VISITORS = 500_000
ASSETS = 20_000
WINDOW = DayWindow(date(2025, 1, 1), date(2025, 3, 31))
# What the dashboards promise, in milliseconds.
TARGETS = {"asset": 20, "creator": 100, "platform": 250}
# A hundred assets of all ranks of popularity.
CREATOR = [f"asset_{number}" for number in range(7, ASSETS, ASSETS // 100)]

# Visits of four events each; assets by Zipf's law, and every visitor comes on several days.
FILL = """
insert into raw.events (
    event_id, occurred_at, received_at, source, event_type, visitor_id, anonymous_id, session_id,
    ip_asset_id, project_id, props_json, created_at
)
select
    gen_random_uuid(),
    %(start)s::timestamptz + i * (interval '1 day' / (%(events)s + 1)),
    %(start)s::timestamptz + i * (interval '1 day' / (%(events)s + 1)),
    'web',
    case when r_type < 0.7 then 'asset_viewed' else 'page_viewed' end,
    md5(visitor::text),
    md5(visitor::text),
    's' || visit,
    case when r_type < 0.7 then 'asset_' || floor(exp(r_asset * ln(%(assets)s::float8))) end,
    case when r_project < 0.15 then 'project_' || floor(r_project / 0.15 * 2000) end,
    '{}',
    %(start)s::timestamptz + interval '1 day'
from (
    select
        i,
        i / 4 as visit,
        floor(power(
            (hashint8extended(i / 4, %(seed)s) & 1073741823) / 1073741824.0::float8, 1.2
        ) * %(visitors)s)::bigint as visitor,
        (hashint8extended(i, %(seed)s + 1) & 1073741823) / 1073741824.0::float8 as r_type,
        (hashint8extended(i, %(seed)s + 2) & 1073741823) / 1073741824.0::float8 as r_asset,
        (hashint8extended(i, %(seed)s + 3) & 1073741823) / 1073741824.0::float8 as r_project
    from generate_series(1, %(events)s::bigint) as i
) as drawn
"""

# The receipts that dashboards go by, without the marts that are not measured here.
RECEIPTS = """
create table marts.daily_builds as
select date, now() as built_at, definition, sum(views) as events, 0::bigint as bot_events
from intermediate.int_entity_days
cross join (select min(definition) as definition from marts.metric_definitions) as definitions
group by date, definition
"""

EXACT = """
select count(distinct visitor_id)
from intermediate.int_events
where is_counted and occurred_at >= %(start)s and occurred_at < %(end)s and
"""


def run(events: int = EVENTS, rounds: int = 200) -> dict[str, Any]:
    """Median, p95 and maximum of each kind of question in milliseconds, and what was filled."""
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        started = time.perf_counter()
        _fill(connection, events)
        filled = time.perf_counter()
        _build(home)
        connection.execute(RECEIPTS)
        connection.execute("vacuum analyze intermediate.int_entity_days, marts.visitors")
        built = time.perf_counter()
        results: dict[str, Any] = {
            "events": events,
            "days": len(WINDOW),
            "fill_seconds": round(filled - started, 1),
            "build_seconds": round(built - filled, 1),
            **_sizes(connection),
            "questions": asyncio.run(_ask(url, rounds)),
        }
        results["questions"] |= _ask_over_http(home, rounds)
        for kind, breakdown in _breakdowns().items():
            results["questions"][kind]["exact"] = _exact(connection, breakdown.scope)
    for kind, asked in results["questions"].items():
        if (exact := asked.pop("exact", None)) is not None and exact != asked["visitors"]:
            raise RuntimeError(f"{kind}: {asked['visitors']} visitors, but {exact} in the events")
    Console(stderr=True).print(table(results))
    return results


def _fill(connection: psycopg.Connection, events: int) -> None:
    share = events // len(WINDOW)
    for seed, day in enumerate(WINDOW):
        connection.execute("select raw.ensure_partition(%s)", (day,))
        parameters = {"start": day, "events": share, "seed": seed * 10}
        connection.execute(FILL, parameters | {"visitors": VISITORS, "assets": ASSETS})
    connection.execute("vacuum analyze raw.events")


def _environment(home: str) -> dict[str, str]:
    others = {k: v for k, v in os.environ.items() if not k.startswith("EVENTMILL_")}
    return {**others, "EVENTMILL_HOME": home}


def _eventmill(home: str, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("eventmill")), *arguments]
    finished = subprocess.run(
        command, env=_environment(home), stdout=subprocess.PIPE, check=True, text=True
    )
    return finished.stdout.strip()


def _build(home: str) -> None:
    """The views, the visitors and their sets, with the models themselves."""
    _eventmill(
        home, "dbt", "--quiet", "--target", "prod", "build",
        "--select", "resource_type:seed", "+int_traffic", "metric_definitions", "visitors",
        "int_entity_days", "traffic_daily", "int_traffic_days", "int_platform_visitors",
        "--exclude-resource-type", "test", "unit_test",
        "--event-time-start", WINDOW.start.date().isoformat(),
        "--event-time-end", WINDOW.end.date().isoformat(),
    )  # fmt: skip


def _sizes(connection: psycopg.Connection) -> dict[str, Any]:
    row = connection.execute(
        """
        select
            (select count(*) from marts.visitors),
            (select count(*) from intermediate.int_entity_days),
            pg_total_relation_size('intermediate.int_entity_days') / 1000000,
            pg_total_relation_size('marts.visitors') / 1000000
        """
    ).fetchone()
    names = ("visitors", "entity_days", "entity_days_mb", "visitors_mb")
    return dict(zip(names, row or (), strict=True))


def _breakdowns() -> dict[str, Breakdown]:
    """What is asked for first of each kind, and compared with the events."""
    return {
        "asset": of_assets(["asset_1"]),
        "creator": of_assets(CREATOR),
        "platform": EVERYTHING,
    }


def _assets(rounds: int) -> list[str]:
    """The most popular ones, and others of all ranks."""
    dice = random.Random(1)
    popular = [f"asset_{number}" for number in range(1, 1 + rounds // 4)]
    return popular + [
        f"asset_{dice.randrange(1, ASSETS - 1)}" for _ in range(rounds - len(popular))
    ]


async def _ask(url: str, rounds: int) -> dict[str, dict[str, Any]]:
    """The dashboards API's function itself."""

    async def ask(connection: AsyncConnection, breakdown: Breakdown) -> int:
        now = await moment(connection)
        return (await count(connection, breakdown, WINDOW, now)).total["unique_visitors"]

    first_asked = _breakdowns()
    asked = {kind: [breakdown] * (rounds // 5) for kind, breakdown in first_asked.items()}
    asked["asset"] = [of_assets([asset]) for asset in _assets(rounds)]
    found = {}
    async with create_pool(url) as pool, snapshot(pool) as connection:
        for kind, questions in asked.items():
            first = await ask(connection, first_asked[kind])
            seconds = await _timed([partial(ask, connection, one) for one in questions])
            found[kind] = {"visitors": first, "target_ms": TARGETS[kind], **_summary(seconds)}
    return found


async def _timed(questions: Sequence[Callable[[], Awaitable[Any]]]) -> list[float]:
    """Seconds of each question, on its second turn: the first brings the pages into memory."""
    seconds = []
    for question in questions:
        await question()
        started = time.perf_counter()
        await question()
        seconds.append(time.perf_counter() - started)
    return seconds


def _ask_over_http(home: str, rounds: int) -> dict[str, dict[str, Any]]:
    """Whole calls of 90 days: authorization, series, channels and all."""
    token = _eventmill(home, "token", "--role", "admin", "--sub", "bench")
    days = {"start": str(WINDOW.first), "end": str(WINDOW.last)}
    paths = {
        "asset over HTTP": [f"/v1/assets/{asset}/metrics" for asset in _assets(rounds // 4)],
        "platform over HTTP": ["/v1/platform/metrics"] * (rounds // 10),
    }
    found = {}
    headers = {"Authorization": f"Bearer {token}"}
    with (
        _dashboards(home) as base,
        httpx.Client(base_url=base, headers=headers, timeout=60) as client,
    ):
        for kind, asked in paths.items():
            seconds = []
            for path in asked:
                client.get(path, params=days).raise_for_status()
                started = time.perf_counter()
                answer = client.get(path, params=days).raise_for_status().json()
                seconds.append(time.perf_counter() - started)
            found[kind] = {
                "visitors": answer["totals"]["unique_visitors"],
                "target_ms": None,
                **_summary(seconds),
            }
    return found


@contextmanager
def _dashboards(home: str) -> Iterator[str]:
    """Base URL of a dashboards API of its own process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "dashboards_api.app:create_app", "--factory"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning"], env=_environment(home)
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{base}/healthz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait()


def _exact(connection: psycopg.Connection, scope: Scope) -> int:
    query = EXACT + scope.live
    (count,) = connection.execute(query.encode(), scope.over(WINDOW)).fetchone() or (0,)
    return int(count)


def _summary(seconds: list[float]) -> dict[str, float]:
    milliseconds = sorted(second * 1000 for second in seconds)
    return {
        "asked": len(seconds),
        "median_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(statistics.quantiles(milliseconds, n=20)[-1], 1),
        "max_ms": round(milliseconds[-1], 1),
    }


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    size = f"{results['events']:,} events, {results['visitors']:,} visitors"
    shown = Table(title=f"Unique visitors of {results['days']} days: {size}", title_justify="left")
    for column in ("of", "median ms", "p95 ms", "max ms", "target ms"):
        shown.add_column(column, justify="left" if column == "of" else "right")
    for kind, asked in results["questions"].items():
        numbers = [f"{asked[name]:.1f}" for name in ("median_ms", "p95_ms", "max_ms")]
        shown.add_row(kind, *numbers, str(asked["target_ms"] or ""))
    return shown
