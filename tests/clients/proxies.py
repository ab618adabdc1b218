"""A proxy that loses answers: the service took the request, and its client is told 503."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

# What belongs to one connection is not passed on.
HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding"}


@contextmanager
def losing_first_answer(url: str) -> Iterator[tuple[str, list[int]]]:
    """The proxy's URL, and what the service answered to each request, which grows."""
    answered: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            answer = httpx.post(url + self.path, content=body, headers=headers)
            answered.append(answer.status_code)
            is_lost = len(answered) == 1
            self.send_response(503 if is_lost else answer.status_code)
            content = b"{}" if is_lost else answer.content
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answered
        finally:
            server.shutdown()
