"""Milliseconds of each call of the dashboards API, at 10,000,000 events of 90 days.

`make bench ARGS=dashboards` starts a PostgreSQL of its own in a temporary home, fills it with a
marketplace of 20,000 assets, builds it with the real models, and asks over HTTP, whole calls with
their token: once with the cache turned off (cold), once a second time (warm), and then with 1,000
clients at once for two minutes, from an empty cache. Calls that this version does not have are
skipped, and named.
"""

import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.generate import ASSETS
from bench.marketplace import build, environment, fill
from bench.partition import system
from bench.questions import (
    KINDS,
    WINDOW,
    Kind,
    Question,
    Tokens,
    dashboards_of,
)
from eventmill.runner.services import KEEP_ALIVE_SECONDS

EVENTS = 10_000_000
CLIENTS, LOAD_SECONDS, THINK_SECONDS = 1_000, 60, 2.0
WARM_TARGET = 3
# Of PostgreSQL: dashboards read the built tables, which fit into it.
SETTINGS = ("shared_buffers", "work_mem", "jit")


def run(events: int = EVENTS, clients: int = CLIENTS) -> dict[str, Any]:
    """Percentiles of each kind of call in milliseconds, cold and warm, and of all clients."""
    with system() as (home, url), psycopg.connect(url, autocommit=True) as connection:
        started = time.perf_counter()
        fill(connection, events, WINDOW)
        filled = time.perf_counter()
        build(home, connection, WINDOW)
        built = time.perf_counter()
        results: dict[str, Any] = {
            "events": events,
            "days": len(WINDOW),
            "assets": ASSETS,
            "fill_seconds": round(filled - started, 1),
            "build_seconds": round(built - filled, 1),
            "settings": {
                name: (connection.execute("select current_setting(%s)", (name,)).fetchone() or "")[
                    0
                ]
                for name in SETTINGS
            },
            **measure(home, clients),
        }
    Console(stderr=True).print(table(results))
    return results


def measure(home: str, clients: int = CLIENTS) -> dict[str, Any]:
    """The same of a home that is filled and built already."""
    tokens = Tokens(home)
    with dashboards(home, cache_mb=0) as port:
        known = _routes(port)
        asked = [kind for kind in KINDS if kind.route in known]
        for kind in KINDS:
            if kind not in asked:
                print(f"skipped: this version has no {kind.route}", file=sys.stderr)
        cold = {kind.name: _cold(port, tokens, kind) for kind in asked}
    with dashboards(home) as port:
        warm = {kind.name: _warm(port, tokens, kind) for kind in asked}
    with dashboards(home) as port:
        # The first minute from an empty cache, and the second.
        load = [_load(port, tokens, {kind.name for kind in asked}, clients) for _ in range(2)]
    targets = {kind.name: kind.target for kind in asked}
    return {"cold": cold, "warm": warm, "targets": targets, "load": load}


@contextmanager
def dashboards(home: str, **settings: int) -> Iterator[int]:
    """Port of a dashboards API in a process of its own, started as `eventmill up` does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "dashboards_api.app:create_app", "--factory"]
    given = {f"EVENTMILL_{name.upper()}": str(value) for name, value in settings.items()}
    # A line for each request, as always; only not on this terminal.
    with open(Path(home) / "dashboards.log", "ab") as log:
        process = subprocess.Popen(
            [
                *command,
                "--port",
                str(port),
                "--no-access-log",
                "--log-level",
                "warning",
                "--timeout-keep-alive",
                str(KEEP_ALIVE_SECONDS),
            ],
            env=environment(home, **given),
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the dashboards API does not start")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        return b"eventmill_dashboards_cache_listening 1.0" in _get(port, "/metrics")
    except OSError:
        return False


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _routes(port: int) -> set[str]:
    return set(json.loads(_get(port, "/openapi.json"))["paths"])


def ask(
    connection: http.client.HTTPConnection, tokens: Tokens, question: Question
) -> tuple[float, dict[str, Any]]:
    """Milliseconds of the whole call, and its answer."""
    headers = {"Authorization": f"Bearer {tokens.of(question)}"}
    body = None
    if question.body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(question.body).encode()
    started = time.perf_counter()
    connection.request("POST" if body else "GET", question.path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    milliseconds = (time.perf_counter() - started) * 1000
    if response.status != 200:
        raise RuntimeError(f"{question}: {response.status} {answer[:500].decode()}")
    return milliseconds, json.loads(answer)


def _cold(port: int, tokens: Tokens, kind: Kind) -> dict[str, Any]:
    """Each question once, by a process whose cache is off; the first few only start it."""
    questions = kind.questions(random.Random(1))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for question in questions[:5]:
        ask(connection, tokens, question)
    before = _cpu_seconds(port)
    found = summary([ask(connection, tokens, question)[0] for question in questions])
    return {**found, "cpu_ms": _cpu_ms(port, before, len(questions))}


def _warm(port: int, tokens: Tokens, kind: Kind) -> dict[str, Any]:
    """Each question a second and a third time."""
    questions = kind.questions(random.Random(1))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for question in questions:
        ask(connection, tokens, question)
    before = _cpu_seconds(port)
    asked = [ask(connection, tokens, question) for question in questions * 2]
    cpu = {"cpu_ms": _cpu_ms(port, before, len(asked))}
    cached = sum(answer.get("meta", {}).get("cached") is True for _, answer in asked)
    return {**summary([milliseconds for milliseconds, _ in asked]), **cpu, "cached": cached}


def _cpu_seconds(port: int) -> float:
    """What the API's process has used so far. Time on the clock is also that of PostgreSQL, and of
    whatever else the machine does."""
    for line in _get(port, "/metrics").decode().splitlines():
        if line.startswith("process_cpu_seconds_total "):
            return float(line.split()[-1])
    raise RuntimeError("the API does not say how much CPU it has used")


def _cpu_ms(port: int, before: float, calls: int) -> float:
    return round((_cpu_seconds(port) - before) * 1000 / calls, 2)


def _load(port: int, tokens: Tokens, kinds: set[str], clients: int) -> dict[str, Any]:
    """`clients` people at once, each with a few dashboards that they look at again and again."""
    dice = random.Random(2)
    asked = {
        "port": port,
        "seconds": LOAD_SECONDS,
        "think_seconds": THINK_SECONDS,
        "clients": [
            [_as_text(question, tokens) for question in dashboards_of(dice, kinds)]
            for _ in range(clients)
        ],
    }
    before = _counts(port)
    finished = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    seen = json.loads(finished.stdout)
    answers = len(seen["milliseconds"])
    # A 304 was decided by the cache too; how many of them it had to compute, only it knows.
    counts = _counts(port)
    hits, misses = (counts[name] - before[name] for name in ("hits", "misses"))
    return {
        **summary(seen["milliseconds"]),
        "clients": clients,
        "per_second": round(answers / LOAD_SECONDS),
        "hit_rate": round(hits / max(hits + misses, 1), 4),
        "not_modified": seen["not_modified"],
        "errors": seen["errors"],
        "entries": counts["entries"],
        "megabytes": round(counts["bytes"] / 2**20, 1),
        "generator_cpu_seconds": round(seen["cpu_seconds"], 1),
    }


def _counts(port: int) -> dict[str, int]:
    """Hits and misses of answers, not of decisions, and what is in memory."""
    found = dict.fromkeys(("hits", "misses", "entries", "bytes"), 0)
    for line in _get(port, "/metrics").decode().splitlines():
        for name in found:
            starts = (
                f"eventmill_dashboards_cache_{name}_total{{",
                f"eventmill_dashboards_cache_{name} ",
            )
            if line.startswith(starts) and 'route="decision"' not in line:
                found[name] += int(float(line.split()[-1]))
    return found


def _as_text(question: Question, tokens: Tokens) -> str:
    return (
        f"GET {question.path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {tokens.of(question)}\r\n\r\n"
    )


def summary(milliseconds: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return {
        "asked": len(milliseconds),
        **{f"p{n}_ms": round(cuts[n - 1], 2) for n in (50, 95, 99)},
    }


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    minutes = [
        f"{load['clients']:,} clients: {load['per_second']} answers/s, hit rate"
        f" {load['hit_rate']:.1%}, p95 {load['p95_ms']:.1f} ms, errors: {load['errors'] or 'none'}"
        for load in results["load"]
    ]
    title = (
        f"{results['events']:,} events of {results['days']} days, {results['assets']:,} assets."
        f" From an empty cache, {minutes[0]}; the minute after, {minutes[1]}"
    )
    shown = Table(title=title, title_justify="left")
    for column in ("call", "cold p50", "p95", "p99", "target p95", "warm p50", "p95", "p99"):
        shown.add_column(column, justify="left" if column == "call" else "right")
    for name, cold in results["cold"].items():
        numbers = [
            [f"{found[f'p{n}_ms']:.1f}" for n in (50, 95, 99)]
            for found in (cold, results["warm"][name])
        ]
        shown.add_row(name, *numbers[0], str(results["targets"][name] or ""), *numbers[1])
    return shown
