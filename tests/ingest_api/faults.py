"""A system of real processes that can be hurt, and a load that writes down what it was promised."""

import itertools
import shutil
import subprocess
import sys
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from eventmill.core.database import connect, ensure_database
from eventmill.core.opening import set_up
from eventmill.core.settings import child_environment
from eventmill.runner.embedded import EmbeddedPostgres
from ingest_api.keys import create_key
from tests.ingest_api.support import is_settled
from tests.support import wait_until

SENDERS = 6
DAYS = ("2015-05-17", "2015-05-18")
# As long as a client waits before it tries again.
PAUSE_SECONDS = 0.2


class System:
    """An embedded PostgreSQL and an ingest service, in a home of their own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.spool = home / "spool"
        self.url = f"http://127.0.0.1:{port}"
        self.postgres = EmbeddedPostgres(home)
        self._port = port
        self._ingest: psutil.Popen | None = None
        self.workers = 1
        self.spool_max_mb = 64
        self.prefix: tuple[str, ...] = ()
        """Put before the service's command."""
        self.postgres.start()
        ensure_database(self.postgres.url)
        with connect(self.postgres.url, autocommit=True) as connection:
            set_up(connection)
            self.key = create_key(connection, "faults", "secret")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_ingest()
        self.postgres.stop()

    def start_ingest(self) -> None:
        command = [*self.prefix, sys.executable, "-m", "ingest_api"]
        environment = child_environment(
            EVENTMILL_HOME=str(self.home),
            EVENTMILL_INGEST_PORT=str(self._port),
            EVENTMILL_INGEST_WORKERS=str(self.workers),
            EVENTMILL_LOG_LEVEL="warning",
            EVENTMILL_DATABASE_URL=self.postgres.url,
            EVENTMILL_RETENTION_DAYS="0",
            EVENTMILL_SPOOL_DIR=str(self.spool),
            EVENTMILL_SPOOL_MAX_MB=str(self.spool_max_mb),
        )
        with (self.home / "ingest.log").open("ab") as log:
            self._ingest = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        wait_until(lambda: self.status() is not None)

    def worker_processes(self) -> list[psutil.Process]:
        """Those that answer, of several."""
        assert self._ingest is not None
        return [
            child for child in self._ingest.children() if "resource_tracker" not in _command(child)
        ]

    def kill_ingest(self) -> None:
        """-9, every process of it at once."""
        if self._ingest is None:
            return
        everyone = [self._ingest, *self._ingest.children(recursive=True)]
        for process in everyone:
            process.kill()
        psutil.wait_procs(everyone, timeout=60)
        self._ingest = None

    def kill_postgres(self) -> None:
        """-9, every process of it at once."""
        pid = self.postgres.pid()
        assert pid is not None
        server = psutil.Process(pid)
        everyone = [server, *server.children()]
        for process in everyone:
            process.kill()
        psutil.wait_procs(everyone, timeout=60)

    def status(self) -> dict[str, Any] | None:
        """What /readyz says; None if nobody answers."""
        try:
            answer: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=10).json()
        except httpx.HTTPError:
            return None
        return answer

    def wait_until_stored(self) -> None:
        """Nothing waits in the spool any more."""
        wait_until(lambda: is_settled(self.status() or {}), 120)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Load:
    """Clients that send without pause and try again, with the same ids, until they are answered."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        self.acknowledged: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.unexpected: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    def wait_for(self, more: int = 300) -> None:
        """Until so many further events were acknowledged."""
        target = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= target, 120)

    def wait_for_refusals(self, more: int = 5) -> None:
        """Until so many further requests were answered with 503."""
        target = self.answers[503] + more
        wait_until(lambda: self.answers[503] >= target, 120)

    def _send(self) -> None:
        headers = {"X-Write-Key": self._system.key}
        before: dict[str, Any] = {"events": []}
        with httpx.Client(base_url=self._system.url, headers=headers, timeout=30) as client:
            for number in itertools.count():
                # Every fourth request is sent again after it was acknowledged.
                batch = before if number % 4 == 3 else _batch(1 if number % 2 else 20)
                while not self._stopping.is_set() and not self._acknowledged(client, batch):
                    self._stopping.wait(PAUSE_SECONDS)
                if self._stopping.is_set():
                    return
                before = batch

    def _acknowledged(self, client: httpx.Client, batch: dict[str, Any]) -> bool:
        try:
            answer = client.post("/v1/events", json=batch)
        except httpx.TransportError:
            return False
        with self._lock:
            self.answers[answer.status_code] += 1
            if answer.status_code != 200:
                if answer.status_code != 503 or "Retry-After" not in answer.headers:
                    self.unexpected.append(f"{answer.status_code} {answer.text[:300]}")
                return False
            results = answer.json()["results"]
            self.unexpected += [str(r) for r in results if r["status"] == "rejected"]
            self.acknowledged.update(result["event_id"] for result in results)
        return True


def _batch(size: int) -> dict[str, Any]:
    return {
        "events": [
            {
                "event_id": str(uuid.uuid4()),
                "event_type": "page_viewed",
                "occurred_at": f"{DAYS[number % 2]}T12:00:00Z",
                "context": {"page_url": "https://market.example/" + "x" * 500},
            }
            for number in range(size)
        ]
    }


def small_disk(folder: Path, megabytes: int) -> tuple[str, ...] | None:
    """A command's prefix that gives it a full disk at `folder`: a tmpfs only it can see.

    None if this machine lets us make none.
    """
    if shutil.which("unshare") is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "{folder}" && exec "$@"'
    for flags in ("-m", "-rm"):
        prefix = ("unshare", flags, "sh", "-c", mount, "sh")
        if subprocess.run((*prefix, "true"), capture_output=True, check=False).returncode == 0:
            return prefix
    return None


def stored(system: System) -> Counter[str]:
    """How often each event id is in raw.events."""
    with connect(system.postgres.url, autocommit=True) as connection:
        found = connection.execute("select event_id::text, count(*) from raw.events group by 1")
        return Counter(dict(found.fetchall()))
