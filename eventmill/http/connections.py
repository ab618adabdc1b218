"""What one connection may cost before anybody is asked for a key.

uvicorn with httptools bounds neither the size of a request's headers, nor the time that they may
take, nor how many connections one address may open (docs/decisions/0041-before-any-key.md).
"""

import json
from asyncio import TimerHandle, Transport
from collections import Counter
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eventmill.core.settings import get_settings
from eventmill.http.proxies import network_of

# Request line and headers, and what follows a body. One read from the socket may come on top.
HEADER_BYTES = 65_536
HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0

_open: Counter[str] = Counter()
"""Connections of this process, by address."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that costs too much, and says why as a problem (RFC 9457)."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_bytes = 0
        """That have come since the last request, its headers or a piece of its body was whole."""
        self._reads_headers = True
        self._deadline: TimerHandle | None = None
        self._seconds = HEADER_SECONDS
        settings = get_settings()
        # Of one's own proxy, connections are many people's.
        is_counted = self.client and not settings.trusted_proxies
        self._peer = network_of(self.client[0]) if self.client and is_counted else ""
        if self._peer:
            _open[self._peer] += 1
            most = settings.connections_per_address
            if _open[self._peer] > most:
                self._refuse(429, f"one address may have {most} connections at a time")
                return
        self._wait(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._leave()
        super().handle_websocket_upgrade()

    def _leave(self) -> None:
        self._stop_waiting()
        if self._peer:
            _open[self._peer] -= 1
            if not _open[self._peer]:
                del _open[self._peer]
            self._peer = ""

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._header_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._header_bytes > HEADER_BYTES:
            self._refuse(431, f"a request's headers may have {HEADER_BYTES:,} bytes")
        elif self._header_bytes and self._deadline is None:
            self._await_headers()  # empty lines, with which no request begins yet

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._reads_headers, self._header_bytes = False, 0
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._header_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._header_bytes = 0
        self._stop_waiting()
        super().on_message_complete()

    def _await_headers(self) -> None:
        self._reads_headers = True
        self._wait(HEADER_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._seconds = seconds
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        # An earlier request of the connection, or the body's beginning, is still worked on.
        is_answering = self._reads_headers and self.cycle and not self.cycle.response_complete
        if self.flow.read_paused or is_answering:
            self._wait(self._seconds)
        elif self._reads_headers and not self._header_bytes:
            self.transport.close()  # a browser opens connections ahead
        else:
            self._refuse(408, f"the request was not there after {self._seconds:g} s")

    def _refuse(self, status: int, detail: str) -> None:
        self._stop_waiting()
        title = HTTPStatus(status).phrase
        problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
        body = json.dumps({**problem, "detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
