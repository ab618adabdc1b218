"""What a browser needs: preflights, readable answers; and what every answer carries."""

import io
import json
import logging
import uuid
from collections.abc import Iterator

import httpx
import pytest

from eventmill.core.logs import JsonLines
from eventmill.http.guard import MAX_URL_BYTES
from tests.ingest_api.support import event, send, served
from tests.support import environment

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-write-key",
}


def preflight(api: httpx.Client, origin: str, **changes: str) -> httpx.Response:
    return api.options("/v1/events", headers={"Origin": origin, **PREFLIGHT, **changes})


def test_any_page_may_send_by_default(shared_api: httpx.Client) -> None:
    answer = preflight(shared_api, "https://shop.example")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "x-write-key"} <= set(allowed.split(", "))
    sent = shared_api.post("/v1/events", json=event(), headers={"Origin": "https://shop.example"})
    assert sent.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in sent.headers
    assert "Retry-After" in sent.headers["access-control-expose-headers"]


def test_scripts_can_read_refusals_too(shared_api: httpx.Client) -> None:
    headers = {"Origin": "https://shop.example", "X-Write-Key": ""}
    refused = shared_api.post("/v1/events", json=event(), headers=headers)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.fixture
def restricted(database: str) -> Iterator[httpx.Client]:
    origins = "https://shop.example, http://localhost:3000"
    with environment(EVENTMILL_ALLOWED_ORIGINS=origins), served() as client:
        yield client


def test_only_the_origins_of_the_settings(restricted: httpx.Client) -> None:
    for origin in ("https://shop.example", "http://localhost:3000"):
        answer = preflight(restricted, origin)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        sent = restricted.post(
            "/v1/events", json={"event_type": "page_viewed"}, headers={"Origin": origin}
        )
        assert sent.headers["access-control-allow-origin"] == origin
        assert "Origin" in sent.headers["vary"]
    for origin in ("https://shop.example.evil.example", "http://shop.example", "null"):
        answer = preflight(restricted, origin)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers
        sent = restricted.post(
            "/v1/events", json={"event_type": "page_viewed"}, headers={"Origin": origin}
        )
        assert "access-control-allow-origin" not in sent.headers


def test_every_answer_has_a_request_id(shared_api: httpx.Client) -> None:
    sent = str(uuid.uuid4())
    answers = [
        shared_api.post("/v1/events", json=event()),
        shared_api.post("/v1/events", json=event(), headers={"X-Write-Key": ""}),
        shared_api.post("/v1/events", content=b"{"),
        shared_api.get("/nowhere"),
        shared_api.get("/healthz"),
        preflight(shared_api, "https://shop.example"),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    for asked, kept in ((sent, True), ("jane@example.com", False), ("x" * 5_000, False)):
        answer = shared_api.get("/healthz", headers={"X-Request-Id": asked})
        assert (answer.headers["x-request-id"] == asked) == kept


def test_a_url_has_a_bounded_length(shared_api: httpx.Client) -> None:
    for path in ("/v1/events?", "/v1/track?", "/"):
        answer = shared_api.post(path + "a" * MAX_URL_BYTES, json=event())
        assert answer.status_code == 414
        assert answer.json()["code"] == "414"
        assert answer.json()["message"] == answer.json()["detail"]


def test_no_answer_is_sniffed_or_framed(shared_api: httpx.Client) -> None:
    for answer in (shared_api.post("/v1/events", json=event()), shared_api.get("/docs")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "cross-origin-resource-policy" not in answer.headers, "beacons of any page may come"


def test_a_defect_is_a_500_that_tells_nothing(
    shared_api: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("jane@example.com")

    monkeypatch.setattr("ingest_api.routes.events.answer", fail)
    headers = {"Origin": "https://shop.example"}
    answer = shared_api.post("/v1/events", json=event(), headers=headers)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    assert "jane" not in answer.text
    assert answer.json()["code"] == "500", "as the Segment API says it"
    (record,) = [r for r in caplog.records if r.message == "a request failed unexpectedly"]
    line = JsonLines().format(record)
    assert json.loads(line)["error"] == "ValueError"
    assert any("routes/events.py" in place for place in json.loads(line)["at"])
    assert "jane" not in line


def test_log_lines_are_json_without_personal_data(
    shared_api: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "eventmill")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logging.getLogger("eventmill").addHandler(handler)
    page = {"page_url": "https://shop.example/?email=jane@example.com"}
    send(shared_api, event(anonymous_id="jane", context=page))
    shared_api.get("/v1/projects/jane/settings?email=jane", headers={"User-Agent": "jane"})
    logging.getLogger("eventmill").removeHandler(handler)
    lines = written.getvalue().splitlines()
    answered = [json.loads(line) for line in lines if json.loads(line)["message"] == "answered"]
    assert [line["status"] for line in answered] == [200, 200]
    assert answered[0]["route"] == "/v1/events"
    assert len(answered[0]["request_id"]) == 32
    for line in lines:
        assert "jane" not in line
        assert "127.0.0.1" not in line
        assert shared_api.headers["X-Write-Key"] not in line
