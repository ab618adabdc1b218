"""How long `/healthz` takes while a stranger attacks: `make bench ARGS=attacks`.

A service of its own with one process and default settings. The attacker is another process with a
publishable key; this one asks `/healthz` every 20 ms on a connection that stays open.
"""

import json
import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from bench.ingest import running
from ingest_api.keys import create_key

SECONDS = 10.0
# Whoever watches has another address than the attacker.
ADDRESS = "127.0.0.2"
Attack = Callable[[int, str], None]


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), source_address=(ADDRESS, 0))


def _post(port: int, key: str, *bodies: bytes) -> None:
    elsewhere = httpx.HTTPTransport(local_address=ADDRESS)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", timeout=60, transport=elsewhere
    ) as client:
        while True:
            for body in bodies:
                client.post("/v1/events", content=body, headers={"X-Write-Key": key})


def _nothing(port: int, key: str) -> None:
    time.sleep(3600)


def _backtracking(port: int, key: str) -> None:
    event = {"event_type": "nope", "anonymous_id": "r", "props": {"x": "x" + "?" * 20_000}}
    _post(port, key, json.dumps(event).encode())


def _unknown_fields(port: int, key: str) -> None:
    event = {"event_type": "nope", **{f"unknown_{n}_field": n for n in range(20)}}
    _post(port, key, json.dumps({"events": [event] * 1_000}).encode())


def _invented_visitors(port: int, key: str) -> None:
    numbers = range(5_000)
    events = [
        {
            "event_type": "page_viewed",
            "anonymous_id": f"v{n}",
            "props": {"engagement_ms": 86_400_000},
            "context": {"user_agent": f"Invented/{n}", "referrer": f"https://{n}.example/"},
        }
        for n in numbers
    ]
    bodies = [json.dumps({"events": events[n : n + 100]}).encode() for n in numbers[::100]]
    _post(port, key, *bodies)


def _past_days(port: int, key: str) -> None:
    now = datetime.now(UTC)
    times = [(now - timedelta(days=n)).isoformat() for n in range(731)]
    events = [{"event_type": "page_viewed", "occurred_at": at, "anonymous_id": "v"} for at in times]
    _post(port, key, json.dumps({"events": events}).encode())


def _headers(port: int, key: str) -> None:
    while True:
        with _connect(port) as connection:
            try:
                connection.sendall(b"POST /v1/events HTTP/1.1\r\nX-Long: ")
                for _ in range(1_000):
                    connection.sendall(b"x" * 65_536)
            except ConnectionError:
                continue


def _half_sent(port: int, key: str) -> None:
    opened: list[socket.socket] = []
    while True:
        connection = _connect(port)
        opened = [*opened[-500:], connection]
        try:
            connection.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\n")
        except ConnectionError:
            continue


ATTACKS: dict[str, Attack] = {
    "none": _nothing,
    "text that backtracks": _backtracking,
    "unknown fields": _unknown_fields,
    "invented visitors": _invented_visitors,
    "731 past days": _past_days,
    "64 MB of headers": _headers,
    "half-sent headers": _half_sent,
}


def run() -> dict[str, Any]:
    """Print a table, and return by attack: milliseconds of `/healthz` (median, p99, longest)."""
    results: dict[str, Any] = {}
    table = Table("attack", "median ms", "p99 ms", "longest ms")
    with running(1) as system:
        with psycopg.connect(system.database, autocommit=True) as connection:
            key = create_key(connection, "page", "publishable")
        for name, attack in ATTACKS.items():
            attacker = multiprocessing.get_context("spawn").Process(
                target=attack, args=(system.port, key), daemon=True
            )
            attacker.start()
            time.sleep(2)  # it imports what it needs
            times = sorted(_times(system.port))
            attacker.kill()
            attacker.join()
            found = {
                "median": statistics.median(times),
                "p99": times[int(len(times) * 0.99)],
                "longest": times[-1],
            }
            results[name] = {what: round(ms, 1) for what, ms in found.items()}
            table.add_row(name, *map(str, results[name].values()))
    Console().print(table)
    return results


def _times(port: int) -> list[float]:
    """Milliseconds of each answer in SECONDS."""
    found = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        until = time.monotonic() + SECONDS
        while (started := time.monotonic()) < until:
            client.get("/healthz").raise_for_status()
            found.append((time.monotonic() - started) * 1_000)
            time.sleep(0.02)
    return found
