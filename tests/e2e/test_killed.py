"""Each process of a running system is killed: it comes back, and nothing acknowledged is lost."""

import json
import os
import signal
import threading
import uuid
from typing import Any, Self

import httpx

from eventmill.core.running import SystemState
from tests.e2e.conftest import RunningDemo
from tests.support import rows, wait_until

KILLED = ("ingest", "postgresql", "dashboards", "code", "dagster", "daemon")
SECONDS = 240


class Sender:
    """A client that sends one event after the other, each until it is acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Write-Key": key}, timeout=10)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.acknowledged: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(60)

    def wait_for_more(self) -> None:
        target = len(self.acknowledged) + 20
        wait_until(lambda: len(self.acknowledged) >= target, SECONDS)

    def _send(self) -> None:
        while not self._stopping.is_set():
            event = {"event_id": str(uuid.uuid4()), "event_type": "page_viewed"}
            while not self._stopping.is_set() and not self._is_taken(event):
                self._stopping.wait(0.1)

    def _is_taken(self, event: dict[str, str]) -> bool:
        try:
            taken = self._client.post("/v1/events", json=event).status_code == 200
        except httpx.TransportError:
            return False
        if taken:
            self.acknowledged.append(event["event_id"])
        return taken


def state(demo: RunningDemo) -> SystemState:
    return SystemState.model_validate_json((demo.home / "run" / "up.json").read_bytes())


def processes(demo: RunningDemo) -> dict[str, tuple[int | None, int]]:
    """Name → process id and number of restarts."""
    return {name: (p.pid, p.restarts) for name, p in state(demo).processes.items()}


def kill(demo: RunningDemo, name: str) -> None:
    """-9, and wait until it has been started again, while the others were left alone."""
    before = processes(demo)
    pid, restarts = before.pop(name)
    os.kill(pid or 0, signal.SIGKILL)

    def is_back() -> bool:
        found, times = processes(demo)[name]
        return times == restarts + 1 and found not in (None, pid)

    wait_until(is_back, SECONDS)
    after = processes(demo)
    del after[name]
    assert after == before, f"others died with {name}"


def status(demo: RunningDemo) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(demo.shell("eventmill status --json").stdout)
    return found


def test_killed_processes_come_back_and_nothing_acknowledged_is_lost(demo: RunningDemo) -> None:
    key = demo.shell("eventmill keys create killed --kind secret").stdout.strip()
    ingest, dashboards = (
        f"http://127.0.0.1:{demo.port(name)}" for name in ("ingest", "dashboards")
    )
    before = {name: restarts for name, (_, restarts) in processes(demo).items()}
    with Sender(ingest, key) as sender:
        for name in KILLED:
            sender.wait_for_more()
            kill(demo, name)
        sender.wait_for_more()
    wait_until(lambda: all(s["ready"] for s in status(demo)["services"]), SECONDS)

    stored = "select count(*) from raw.events where event_id = any(%s)"
    assert len(set(sender.acknowledged)) > 100

    def missing() -> int:
        with demo.connect() as connection:
            return len(sender.acknowledged) - rows(connection, stored, sender.acknowledged)[0][0]

    wait_until(lambda: missing() == 0, SECONDS)

    found = status(demo)
    told = {s["name"]: s for s in [*found["services"], {"name": "postgresql", **found["database"]}]}
    for name in KILLED:
        assert told[name]["restarts"] == before[name] + 1
        how = told[name]["last_exit"]["how"]
        assert how == ("an unknown status" if name == "postgresql" else "signal SIGKILL")
        sample = f'eventmill_service_restarts_total{{service="{name}"}} {before[name] + 1}.0'
        for api in (ingest, dashboards):
            assert sample in httpx.get(f"{api}/metrics").text
    text = demo.shell("eventmill status").stdout
    assert "signal SIGKILL" in next(line for line in text.splitlines() if "dashboards" in line)
