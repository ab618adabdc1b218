"""Limits, headers, request ids, lines in the log, and answers to defects."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from dashboards_api.app import create_app
from dashboards_api.description import MAX_BODY_BYTES
from eventmill.core.logs import JsonLines
from eventmill.core.tokens import Caller, issue
from eventmill.http.guard import MAX_URL_BYTES
from tests.dashboards_api.test_problems import assert_problem

PLATFORM = "/v1/platform/metrics"


def add_calls(app: FastAPI) -> None:
    """What the API may have: a call with a body, and one with a defect."""

    @app.post("/echo")
    async def echo(number: int = Body(embed=True)) -> int:
        return number

    @app.get("/defect/{secret}")
    async def defect(secret: str) -> None:
        raise RuntimeError(secret)


@pytest.fixture(scope="module")
def probe(views_database: str) -> Iterator[TestClient]:
    app = create_app()
    add_calls(app)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"number": 1}', 200),
        (b'{"number": 1' + b" " * MAX_BODY_BYTES + b"}", 413),
        (b"{" + b" " * (MAX_BODY_BYTES - 1), 400),
        (b"", 422),
        (b"[1]", 422),
        (b'{"number": "\\ud800"}', 422),
        (b'{"\\ud800": 1}', 422),
        (b"\xff\xfe", 400),
        (b"[" * 200_000, 400),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_is_json_of_a_bounded_length(
    probe: TestClient, body: bytes, status: int, is_chunked: bool
) -> None:
    content = iter([body[:7], body[7:]]) if is_chunked else body
    answer = probe.post("/echo", content=content, headers={"Content-Type": "application/json"})
    if status == 200:
        assert (answer.status_code, answer.json()) == (200, 1)
    else:
        assert_problem(answer, status)


def test_a_url_has_a_bounded_length(probe: TestClient) -> None:
    for path in ("/" + "a" * MAX_URL_BYTES, "/?" + "a" * MAX_URL_BYTES):
        assert_problem(probe.get(path), 414)


def test_a_defect_is_a_problem_that_tells_nothing(
    probe: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = probe.get("/defect/jane")
    assert_problem(answer, 500)
    assert "jane" not in answer.text
    assert_headers(answer)
    [record] = [record for record in caplog.records if record.exc_info]
    line = JsonLines().format(record)
    assert "jane" not in line
    assert json.loads(line)["error"] == "RuntimeError"


def assert_headers(answer: Response) -> None:
    headers = answer.headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "private, no-store"
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])


def test_every_answer_has_the_headers(probe: TestClient) -> None:
    for answer in (
        probe.get("/healthz"),
        probe.get(PLATFORM),
        probe.get("/nothing"),
        probe.post("/healthz"),
        probe.post("/echo", content=b"x" * 300_000),
    ):
        assert_headers(answer)
        assert "Strict-Transport-Security" not in answer.headers
    secure = probe.get("https://testserver/healthz")
    assert "max-age" in secure.headers["Strict-Transport-Security"]


def test_the_page_of_the_calls_may_run_its_own_script_only(probe: TestClient) -> None:
    answer = probe.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    [scripts] = re.findall(r"script-src ([^;]*)", policy)
    assert "unsafe" not in scripts
    assert "sha256-" in scripts
    for source in re.findall(r'(?:src|href)="(https://[^"]+/)', answer.text):
        assert source in policy
    assert "url: '/openapi.json'" in answer.text


def test_a_request_keeps_its_id_if_it_is_one(probe: TestClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = probe.get("/healthz", headers={"X-Request-ID": trace})
    assert sent.headers["X-Request-ID"] == trace
    named = probe.get("/healthz", headers={"X-Request-ID": "jane@example.com"})
    assert "jane" not in named.headers["X-Request-ID"]


def test_a_request_is_a_line_without_people(
    probe: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = issue(Caller("jane", "creator"))
    with caplog.at_level(logging.INFO, "eventmill.dashboards.requests"):
        probe.get(
            "/v1/assets/janes-asset/metrics?period=7d&jane=1",
            headers={"Authorization": f"Bearer {token}"},
        )
    [record] = [r for r in caplog.records if r.name == "eventmill.dashboards.requests"]
    line = JsonLines().format(record)
    assert "jane" not in line
    assert token not in line
    fields = json.loads(line)
    assert fields.pop("milliseconds") >= 0
    assert fields.pop("time")
    assert fields == {
        "level": "info",
        "logger": "eventmill.dashboards.requests",
        "message": "answered",
        "method": "GET",
        "route": "/v1/assets/{asset_id}/metrics",
        "status": 422,
        "role": "creator",
    }
