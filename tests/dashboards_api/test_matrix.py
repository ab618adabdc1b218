"""Every route as every kind of caller (`matrix.py`), and none that the table does not have."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from starlette.routing import BaseRoute, Route, compile_path

from dashboards_api.app import create_app
from tests.dashboards_api.matrix import CALLERS, Line, bad_tokens, good_token, lines, world

# Fit for an id that must be a UUID, too.
UNKNOWN = "00000000-0000-4000-8000-000000000000"
LINES = lines()
GUARDED = [line for line in LINES if line.statuses is not None]


@pytest.fixture(scope="module")
def ids(events: psycopg.Connection) -> dict[str, str]:
    return world(events)


def call(
    client: TestClient, line: Line, ids: dict[str, str], authorization: str | None
) -> Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    path = re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], line.path)
    return client.request(line.method, path, headers=headers, json=line.body)


def routes(found: Iterable[BaseRoute]) -> Iterator[Route]:
    """Every route, those of included routers too."""
    for route in found:
        if isinstance(route, Route):
            yield route
        else:
            router = getattr(route, "original_router", None)
            assert router is not None, f"{route} is of a kind that the table cannot call"
            yield from routes(router.routes)


def test_every_route_is_in_the_table(home: object) -> None:
    app = create_app()
    calls = {
        (method, route.path)
        for route in routes(app.routes)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert {(method, path.replace(":path", "")) for method, path in calls} >= described
    for method, path in sorted(calls):
        pattern, _, _ = compile_path(path)
        lines_of_it = [
            line for line in LINES if line.method == method and pattern.fullmatch(line.path)
        ]
        assert lines_of_it, f"{method} {path} has no line in tests/dashboards_api/matrix.py"


@pytest.mark.parametrize("line", GUARDED, ids=str)
def test_each_caller_gets_what_is_theirs(
    client: TestClient, ids: dict[str, str], line: Line
) -> None:
    answers = {
        name: call(client, line, ids, good_token(caller)) for name, caller in CALLERS.items()
    }
    assert {name: answer.status_code for name, answer in answers.items()} == line.statuses


@pytest.mark.parametrize("line", GUARDED, ids=str)
def test_without_a_good_token_there_is_nothing(
    client: TestClient, ids: dict[str, str], line: Line
) -> None:
    for name, header in bad_tokens().items():
        for things in (ids, dict.fromkeys(ids, UNKNOWN)):
            answer = call(client, line, things, header)
            assert answer.status_code == 401, name
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name


@pytest.mark.parametrize("line", [line for line in GUARDED if "{" in line.path], ids=str)
def test_not_theirs_and_not_there_look_the_same(
    client: TestClient, ids: dict[str, str], line: Line
) -> None:
    unknown = dict.fromkeys(ids, UNKNOWN)
    for name, caller in CALLERS.items():
        missing = call(client, line, unknown, good_token(caller))
        assert missing.status_code in (403, 404), name
        if line.statuses and line.statuses[name] == missing.status_code:
            theirs = call(client, line, ids, good_token(caller))
            assert theirs.content == missing.content, name
            assert _headers(theirs) == _headers(missing), name


def _headers(answer: Response) -> dict[str, str]:
    """All but the one that is of each request."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


OPEN = [line for line in LINES if line.statuses is None and not line.is_signed]


@pytest.mark.parametrize("line", OPEN, ids=str)
def test_open_calls_need_no_token(client: TestClient, line: Line) -> None:
    assert call(client, line, {}, None).status_code == 200


@pytest.mark.parametrize("line", [line for line in LINES if line.is_signed], ids=str)
def test_a_signed_call_needs_its_signature_whoever_asks(
    client: TestClient, ids: dict[str, str], line: Line
) -> None:
    forged = replace(line, path=f"{line.path}?expires=9999999999&signature={'0' * 64}")
    for token in (None, *map(good_token, CALLERS.values())):
        assert call(client, forged, ids, token).status_code == 403
        assert call(client, line, ids, token).status_code == 422
