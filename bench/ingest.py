"""Events per second into `POST /v1/events`, singly and in batches, and how long one takes.

`make bench ARGS=ingest` starts a PostgreSQL and an ingest service of its own in a temporary home,
first with one process and then with as many as there are cores, and sends from another process over
real sockets. Every answer is checked, and at the end the events in `raw.events` are counted.

Two loads send the next request as soon as the one before is answered: they measure how much fits.
The third sends at fixed times whether or not the service keeps up, and counts each latency from the
moment that the request was due: a pause of the service is paid for by all who came in it.
"""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from eventmill.core.database import ensure_database
from eventmill.core.opening import set_up
from eventmill.runner.embedded import EmbeddedPostgres
from ingest_api.keys import create_key

USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    batch: int
    """Events in a request; 1 sends a single object."""
    connections: int
    requests: int
    per_second: float | None = None
    """Requests due in a second; None is as many as the connections get through."""


LOADS = (
    Load("single events", 1, 32, 15_000),
    Load("batches of 100", 100, 8, 1_500),
    Load("100 events/s", 1, 32, 6_000, per_second=100),
)


@dataclass(frozen=True, slots=True)
class System:
    """A running service and its database."""

    port: int
    write_key: str
    """A secret one."""
    database: str
    service_pid: int
    postgres_pid: int

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time so far of the service's processes, and of PostgreSQL with its connections."""
        return _cpu_seconds(self.service_pid), _cpu_seconds(self.postgres_pid)


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in [process, *process.children()]]
    return sum(time.user + time.system for time in times)


def run(loads: tuple[Load, ...] = LOADS) -> dict[str, Any]:
    """Print a table, and return by load: events per second, milliseconds, CPU per event.

    Each with one process of the service, and with as many as there are cores.
    """
    workers = {1, os.cpu_count() or 1}
    results = {
        f"{load}, {count} process{'es' if count > 1 else ''}": result
        for count in sorted(workers)
        for load, result in _measure(loads, count).items()
    }
    Console().print(table(results))
    return results


def _measure(loads: tuple[Load, ...], workers: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with running(workers) as system:
        for load in loads:
            # Connections, caches and prepared statements of a service that has just started.
            warm_up = replace(load, requests=load.requests // 20)
            _send(system.port, system.write_key, warm_up)
            before = system.cpu_seconds()
            result = _send(system.port, system.write_key, load)
            result["cpu_microseconds_per_event"] = {
                name: round((after - start) / (load.requests * load.batch) * 1e6, 1)
                for name, start, after in zip(
                    ("service", "postgresql"), before, system.cpu_seconds(), strict=True
                )
            }
            results[load.name] = result
        with psycopg.connect(system.database) as connection:
            row = connection.execute("select count(*) from raw.events").fetchone()
    sent = sum(load.batch * (load.requests + load.requests // 20) for load in loads)
    stored = row[0] if row else None
    if stored != sent:
        raise RuntimeError(f"{sent} events were accepted and {stored} are stored")
    return results


@contextmanager
def running(workers: int) -> Iterator[System]:
    """A fresh service on a fresh database."""
    with tempfile.TemporaryDirectory(prefix="eventmill-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder))
        postgres.start()
        try:
            ensure_database(postgres.url)
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                set_up(connection)
                write_key = create_key(connection, "bench", "secret")
            port = _free_port()
            command = [sys.executable, "-m", "ingest_api"]
            environment = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith("EVENTMILL_")
            }
            environment |= {
                "EVENTMILL_HOME": folder,
                "EVENTMILL_INGEST_PORT": str(port),
                "EVENTMILL_INGEST_WORKERS": str(workers),
                "EVENTMILL_LOG_LEVEL": "warning",
            }
            server = subprocess.Popen(command, env=environment)
            try:
                _wait_until_ready(port, server)
                postgres_pid = postgres.pid()
                if postgres_pid is None:
                    raise RuntimeError("PostgreSQL stopped")
                yield System(port, write_key, postgres.url, server.pid, postgres_pid)
            finally:
                server.send_signal(signal.SIGINT)
                server.wait(30)
        finally:
            postgres.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the ingest service did not become ready") from None
            time.sleep(0.05)


def _send(port: int, write_key: str, load: Load) -> dict[str, Any]:
    """Run the load from a process of its own, so that it does not slow the measuring down."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_client, (port, write_key, load))


def _client(port: int, write_key: str, load: Load) -> dict[str, Any]:
    return uvloop.run(_drive(port, write_key, load))


async def _drive(port: int, write_key: str, load: Load) -> dict[str, Any]:
    requests = [_request(load.batch, write_key) for _ in range(load.requests)]
    expected = f'"accepted":{load.batch},'.encode()
    latencies: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while requests:
            request = requests.pop()
            started = time.perf_counter()
            if load.per_second is not None:
                due = first_due + (load.requests - len(requests) - 1) / load.per_second
                await asyncio.sleep(due - started)
                started = due
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
            if b" 200 " not in head[:16] or expected not in body[:40]:
                raise RuntimeError(f"unexpected answer: {head!r} {body[:300]!r}")
        writer.close()

    cpu_started = time.process_time()
    started = first_due = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(load.connections)))
    seconds = time.perf_counter() - started
    return {
        "connections": load.connections,
        "requests": load.requests,
        "seconds": round(seconds, 2),
        "events_per_second": round(load.requests * load.batch / seconds),
        "requests_per_second": round(load.requests / seconds),
        "client_cpu_share": round((time.process_time() - cpu_started) / seconds, 2),
        "milliseconds": _percentiles(latencies),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"p{percent}": round(ordered[int((len(ordered) - 1) * percent / 100)] * 1000, 2)
        for percent in (50, 95, 99)
    }


def _request(batch: int, write_key: str) -> bytes:
    """One POST, ready to be written; events as a tracker sends them, about 650 bytes each."""
    events = [_event() for _ in range(batch)]
    value = {"events": events} if batch > 1 else events[0]
    body = json.dumps(value, separators=(",", ":")).encode()
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"User-Agent: {USER_AGENT}\r\nX-Write-Key: {write_key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _event() -> dict[str, Any]:
    asset = random.randrange(500)
    occurred_at = datetime.now(UTC) - timedelta(seconds=random.random() * 3600)
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": random.choice(("asset_viewed", "page_viewed", "license_clicked")),
        "occurred_at": occurred_at.isoformat(),
        "anonymous_id": f"visitor-{random.randrange(10_000)}",
        "session_id": f"session-{random.randrange(30_000)}",
        "ip_asset_id": f"asset-{asset}",
        "project_id": f"project-{asset % 40}",
        "props": {"title": f"Asset {asset}", "position": 3, "engagement_ms": 4200},
        "context": {
            "page_url": f"https://market.example/assets/{asset}",
            "landing_page": "https://market.example/?utm_source=google&utm_medium=cpc"
            "&utm_campaign=spring&gclid=Cj0KCQjw",
            "referrer": "https://www.google.com/",
            "user_agent": USER_AGENT,
            "locale": "en-GB",
        },
    }


def table(results: dict[str, Any]) -> Table:
    """The results for people."""
    shown = Table(
        title="POST /v1/events",
        caption="100 events/s: for 60 s, from the moment due. CPU: service + PostgreSQL.",
        title_justify="left",
    )
    shown.add_column("load", no_wrap=True)
    for column in ("senders", "events/s", "p50 ms", "p95 ms", "p99 ms", "µs/event"):
        shown.add_column(column, justify="right", no_wrap=True)
    for name, result in results.items():
        times = result["milliseconds"]
        shown.add_row(
            name,
            str(result["connections"]),
            f"{result['events_per_second']:,}",
            *(f"{times[percentile]:.1f}" for percentile in ("p50", "p95", "p99")),
            " + ".join(f"{part:.0f}" for part in result["cpu_microseconds_per_event"].values()),
        )
    return shown
