"""Two processes of the API on one database, and what is asked of both."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from eventmill.core.settings import child_environment
from eventmill.core.tokens import Caller, issue
from tests.dashboards_api.support import Event

ADMIN, ANA = Caller("root", "admin"), Caller("ana", "creator")
ACME = Caller("user-7", "brand", "acme")
ASSET, PLATFORM = "/v1/assets/a/metrics", "/v1/platform/metrics"
SECONDS = 20
TOLD = 'invalidations_total{kind="tags"}'
WAITING = """
select from pg_locks
where not granted and relation = 'intermediate.int_entity_days'::regclass
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.01)


@dataclass
class Api:
    """One process of the API."""

    client: httpx.Client
    process: subprocess.Popen[bytes]

    def get(self, path: str, caller: Caller = ADMIN, **parameters: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {issue(caller)}"}
        return self.client.get(
            path, params={k: str(v) for k, v in parameters.items()}, headers=headers
        )

    def metric(self, name: str) -> float:
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"eventmill_dashboards_cache_{name} "):
                return float(line.split()[-1])
        return 0

    @property
    def is_listening(self) -> bool:
        return self.metric("listening") == 1


@contextmanager
def running() -> Iterator[Api]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "dashboards_api.app:create_app", "--factory"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "error"],
        env=child_environment(EVENTMILL_CACHE_MB="16"),
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        api = Api(client, process)

        def is_up() -> bool:
            assert process.poll() is None, "it ended"
            try:
                return api.is_listening
            except httpx.TransportError:
                return False

        try:
            wait_until(is_up)
            yield api
        finally:
            process.terminate()
            process.wait()


def warm(apis: list[Api], path: str = ASSET, caller: Caller = ADMIN, **parameters: object) -> None:
    """Have the answer in both caches."""
    for api in apis:
        answers = [api.get(path, caller, **parameters).raise_for_status() for _ in range(2)]
        assert answers[1].json()["meta"]["cached"], path


def forget(apis: list[Api], path: str = ASSET, **parameters: object) -> list[dict[str, Any]]:
    """The new answers, as soon as both caches have forgotten the old ones."""
    found: list[dict[str, Any]] = []
    for api in apis:

        def is_forgotten(api: Api = api) -> bool:
            answer = api.get(path, **parameters).raise_for_status().json()
            found.append(answer)
            return not answer["meta"]["cached"]

        wait_until(is_forgotten)
    return [answer for answer in found if not answer["meta"]["cached"]]


def event(event_type: str, **values: Any) -> Event:
    return Event(event_type=event_type, occurred_at=datetime.now(UTC), **values)
