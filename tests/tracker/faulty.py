"""What stands between a page and the service: a site, and a way to the service that can fail.

Both are one server, so a fault is told apart from what the browser makes of it. What a request
holds is noted before anything happens to it.
"""

import functools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}
TO_SERVICE = ("/v1/", "/em", "/example")


@dataclass
class Fault:
    """What happens to events: they go through, unless one of these is set."""

    status: int = 0
    """Answered instead, without asking the service."""
    retry_after: int = 0
    hangs: bool = False
    """Never answered, until `end`; the service is not asked."""
    loses: bool = False
    """The service is asked, and its answer is not passed on: the connection just ends."""
    for_requests: int = 1_000_000
    """How many requests it happens to."""


@dataclass
class Network:
    """The way to the service, and what went over it."""

    service: str
    url: str = ""
    fault: Fault = field(default_factory=Fault)
    methods: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    """The event ids of each request that came, answered or not."""
    moments: list[float] = field(default_factory=list)
    """When each came, by the monotonic clock."""
    ended: threading.Event = field(default_factory=threading.Event)

    def fail(self, **fault: Any) -> None:
        self.fault = Fault(**fault)

    def heal(self) -> None:
        self.fault = Fault()

    def times_sent(self) -> Counter[str]:
        return Counter(event for batch in self.batches for event in batch)


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, network: Network, *arguments: Any, **options: Any) -> None:
        self.network = network
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        if self.path.startswith(TO_SERVICE):
            self._pass(b"")
        else:
            super().do_GET()

    def do_OPTIONS(self) -> None:
        self.network.methods.append("OPTIONS")
        self._pass(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        network, fault = self.network, self.network.fault
        network.methods.append("POST")
        network.moments.append(time.monotonic())
        network.batches.append([event["event_id"] for event in json.loads(body)["events"]])
        fault.for_requests -= 1
        if fault.for_requests < 0:
            return self._pass(body)
        if fault.hangs:
            network.ended.wait()
            return self._drop()
        if fault.loses:
            self._ask(body)
            return self._drop()
        if not fault.status:
            return self._pass(body)
        self.send_response(fault.status)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Expose-Headers", "Retry-After")
        if fault.retry_after:
            self.send_header("Retry-After", str(fault.retry_after))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        return None

    def _drop(self) -> None:
        self.close_connection = True

    def _ask(self, body: bytes) -> httpx.Response:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        url = self.network.service + self.path
        return httpx.request(self.command, url, content=body, headers=headers, timeout=60)

    def _pass(self, body: bytes) -> None:
        answer = self._ask(body)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in (*HOP_BY_HOP, "content-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def end_headers(self) -> None:
        if not self.path.startswith(TO_SERVICE):
            self.send_header("Cache-Control", "max-age=0")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def network_to(service: str, site: Path) -> Iterator[Network]:
    """A server of `site` that passes events on to `service`, or fails to."""
    network = Network(service)
    handler = functools.partial(_Handler, network, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        network.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield network
        finally:
            network.ended.set()
            server.shutdown()
