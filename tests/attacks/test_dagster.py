"""What a page of another site, or somebody in the same network, can make Dagster do: nothing."""

import asyncio
import base64
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import Settings
from orchestration.guard import Guard, guarded, require_login

PASSWORD = "a-long-password"
HERE = "127.0.0.1:3000"
MUTATION = {"query": "mutation{terminateRuns(runIds:[]){__typename}}"}


async def _reached(_: object) -> PlainTextResponse:
    return PlainTextResponse("reached")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()


def _app(**settings: str) -> Guard:
    routes = [
        Route("/{path:path}", _reached, methods=["GET", "POST", "DELETE"]),
        WebSocketRoute("/graphql", _socket),
    ]
    return guarded(Starlette(routes=routes), Settings.model_validate(settings))


class _Client:
    def __init__(self, **settings: str) -> None:
        self.app = _app(**settings)

    def request(self, method: str, url: str, **sent: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HERE}") as client:
                return await client.request(method, url, **sent)

        return asyncio.run(ask())

    def get(self, url: str, **sent: Any) -> httpx.Response:
        return self.request("GET", url, **sent)

    def post(self, url: str, **sent: Any) -> httpx.Response:
        return self.request("POST", url, **sent)


def _opened(**headers: str) -> Message:
    """What a web socket with these headers is answered first."""
    given = {"host": HERE, **headers}
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(_app()(scope, receive, send))
    return answers[0]


def _login(password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"ops:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": f"http://{HERE}"}, 200),
        ({"Host": "localhost:3000", "Origin": "http://localhost:3000"}, 200),
        ({"Host": "[::1]:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:5173"}, 403),  # another program of the same machine
        ({"Origin": "null"}, 403),  # a sandboxed frame
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Host": "evil.example:3000"}, 421),  # a name that the attacker lets point here
        ({"Host": "evil.example:3000", "Origin": "http://evil.example:3000"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "[::1"}, 421),
    ],
)
def test_a_mutation_is_json_of_this_very_page(headers: dict[str, str], status: int) -> None:
    answer = _Client().post("/graphql", json=MUTATION, headers=headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "//graphql", "/dagit/graphql"])
@pytest.mark.parametrize("name", ["query", "%71uery"])
def test_graphql_by_get_is_refused(path: str, name: str) -> None:
    answer = _Client().get(f"http://{HERE}{path}?{name}={MUTATION['query']}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_other_methods_and_routes_are_held_to_the_same() -> None:
    client = _Client()
    origin = {"Origin": "https://evil.example"}
    assert client.post("/report_asset_materialization/raw_events").status_code == 415
    assert client.request("DELETE", "/anything", headers=origin).status_code == 403
    assert client.get("/assets").status_code == 200


def test_no_other_page_frames_the_ui() -> None:
    headers = _Client().get("/assets").headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_web_socket_is_opened_by_this_very_page_only() -> None:
    assert _opened(origin=f"http://{HERE}")["type"] == "websocket.accept"
    assert _opened(origin="https://evil.example") == {"type": "websocket.close", "code": 1008}
    assert _opened(host="evil.example") == {"type": "websocket.close", "code": 1008}


def test_behind_a_proxy_its_name_is_served_and_no_other() -> None:
    client = _Client(dagster_allowed_hosts="dagster.example.com, ops.example.com")
    for host in ("dagster.example.com", "OPS.example.com:8443", HERE):
        own = {"Host": host, "Origin": "https://dagster.example.com"}
        assert client.post("/graphql", json=MUTATION, headers=own).status_code == 200
    other = {"Host": "dagster.example.com", "Origin": "https://www.example.com"}
    assert client.post("/graphql", json=MUTATION, headers=other).status_code == 403


@pytest.mark.parametrize("given", [{}, _login("another-password"), {"Authorization": "Basic é"}])
def test_with_a_password_everything_asks_for_it(given: dict[str, str]) -> None:
    client = _Client(dagster_host="0.0.0.0", dagster_password=PASSWORD)
    sent = {name: value.encode() for name, value in given.items()}
    for path in ("/", "/graphql", "/logs/x", "/download_debug/x", "/server_info/"):
        answer = client.get(path, headers=sent)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert client.get(path, headers=_login()).status_code == 200
    assert client.get("/server_info").status_code == 200, "the supervisor has no password"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_beyond_this_machine_nothing_starts_without_a_password(host: str) -> None:
    with pytest.raises(ConfigurationError, match="set EVENTMILL_DAGSTER_PASSWORD"):
        require_login(Settings.model_validate({"dagster_host": host}))
    require_login(Settings.model_validate({"dagster_host": host, "dagster_password": PASSWORD}))
