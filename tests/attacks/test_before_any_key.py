"""What a connection costs before it has shown any key: little, whoever opened it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import httpx
import pytest

from eventmill.http import connections
from tests.ingest_api.support import served
from tests.support import environment, wait_until

HALF = b"POST /v1/events HTTP/1.1\r\nHost: x\r\n"
SECONDS = 0.5


@pytest.fixture
def api(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(connections, "HEADER_SECONDS", SECONDS)
    monkeypatch.setattr(connections, "BODY_SECONDS", SECONDS)
    with environment(EVENTMILL_CONNECTIONS_PER_ADDRESS="20"), served() as client:
        yield client


def _connect(api: httpx.Client) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.base_url.port or 0), timeout=30)


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionError:  # it was closed before it had read all that we sent
        pass
    return found


def _send_until_closed(connection: socket.socket, piece: bytes, most: int, pause: float) -> int:
    """How many bytes could be sent, up to `most`."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(piece)
            time.sleep(pause)
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize(
    "sent",
    [HALF, HALF + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"],
    ids=["headers", "trailers"],
)
def test_endless_headers_end(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 60.0)  # it is the size that ends it
    with closing(_connect(api)) as connection:
        connection.sendall(sent + b"X-Long: ")
        # What the two sockets hold between them, and no more.
        assert _send_until_closed(connection, b"x" * 65_536, 64_000_000, 0) < 20_000_000
    assert api.get("/healthz").status_code == 200


def test_headers_may_be_as_large_as_browsers_make_them(api: httpx.Client) -> None:
    assert api.get("/healthz", headers={"Cookie": "c" * 32_000}).status_code == 200
    with closing(_connect(api)) as connection:
        connection.sendall(HALF)
        for _ in range(66):
            connection.sendall(b"X-Many: " + b"x" * 990 + b"\r\n")
        assert b" 431 " in _answer(connection)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (HALF, b"HTTP/1.1 408 "),
        (HALF + b"Content-Length: 1000\r\n\r\n{", b"HTTP/1.1 408 "),
        (b"", b""),
    ],
    ids=["half-sent headers", "half-sent body", "nothing"],
)
def test_what_does_not_come_is_not_waited_for(
    api: httpx.Client, sent: bytes, answer: bytes
) -> None:
    with closing(_connect(api)) as connection:
        connection.sendall(sent)
        assert api.get("/healthz").status_code == 200
        assert _answer(connection).startswith(answer)


def test_a_header_now_and_then_does_not_keep_a_connection(api: httpx.Client) -> None:
    with closing(_connect(api)) as connection:
        connection.sendall(HALF)
        header = b"X-Slow: 1\r\n"
        assert _send_until_closed(connection, header, 1_000 * len(header), SECONDS / 10) < 10_000


def test_an_empty_line_does_not_keep_a_connection(api: httpx.Client) -> None:
    with closing(_connect(api)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"\r\n")
        assert _answer(connection).startswith(b"HTTP/1.1 408 ")


def test_an_honest_connection_may_rest_between_two_requests(api: httpx.Client) -> None:
    with closing(_connect(api)) as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
            time.sleep(2 * SECONDS)


def test_a_thousand_connections_keep_nobody_else_waiting(api: httpx.Client) -> None:
    """The limit is generous: the machine may be busy. `pytest -s` prints what it was."""
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    waits = []
    with ExitStack() as opened, httpx.Client(transport=elsewhere) as other:
        for number in range(1_000):
            connection = opened.enter_context(closing(_connect(api)))
            with suppress(ConnectionError):  # one too many: it is closed already
                connection.sendall(HALF)
            if number % 100 == 99:
                started = time.monotonic()
                assert other.get(api.base_url.join("/healthz")).status_code == 200
                waits.append(time.monotonic() - started)
                opened.close()
    print(f"/healthz {max(waits):.3f} s")
    assert max(waits) < 5


def test_one_address_has_few_connections_at_a_time(api: httpx.Client) -> None:
    api.get("/healthz")  # one connection, which stays open
    api.close()
    opened = [_connect(api) for _ in range(20)]
    for connection in opened:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
    with closing(_connect(api)) as one_more:
        assert b"one address may have 20 connections at a time" in _answer(one_more)
    for connection in opened:
        connection.close()

    def is_served() -> bool:
        with closing(_connect(api)) as another:
            another.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            return another.recv(65_536).startswith(b"HTTP/1.1 200 ")

    wait_until(is_served)
