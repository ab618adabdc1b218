"""Whatever goes wrong is a problem document that says what to do, and bad input is never a 5xx."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from dashboards_api import database
from dashboards_api.app import create_app
from eventmill.core.database import connect
from eventmill.core.tokens import Caller, issue
from tests.dashboards_api.conftest import Get
from tests.support import environment, scalar, wait_until

PLATFORM = "/v1/platform/metrics"


def assert_problem(answer: Response, status: int) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("period=7D", ["period"]),
        ("period=", ["period"]),
        ("interval=hour", ["interval"]),
        ("compare=next", ["compare"]),
        ("start=0000-00-00&end=2015-05-20", ["start"]),
        ("start=2015-05-17", ["end"]),
        ("period=7d&period=7d", ["period"]),
        ("start=%00&end=%ED%A0%80", ["start", "end"]),
        ("perod=7d", ["perod"]),
        ("%00=%00", ["\x00"]),
        ("%ED%A0%80=1", ["\ufffd\ufffd\ufffd"]),
        ("%F0%9F%A6%84=1", ["🦄"]),
        ("x" * 10_000 + "=1", ["x" * 100]),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, query: str, fields: list[str]) -> None:
    headers = {"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"}
    problem = assert_problem(client.get(f"{PLATFORM}?{query}", headers=headers), 422)
    assert [error["field"] for error in problem["errors"]] == fields  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Basic cm9vdDo=", "Bearer x", "Bearer a.b.c", "Token x",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290Iiwicm9sZSI6ImFkbWluIn0.",
        b"Bearer \xe9\xff", "Bearer " + "a." * 20_000,
    ],
)  # fmt: skip
def test_without_a_good_token_there_is_a_challenge(
    client: TestClient, header: str | bytes | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in (PLATFORM, "/v1/assets/asset/metrics?period=nonsense"):
        answer = client.get(path, headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    assert_problem(client.get("/v1/nothing"), 404)
    answer = client.post("/healthz")
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET"


def test_answers_are_private_and_not_sniffed(get: Get) -> None:
    """A browser may keep finished answers, if it asks each time whether they still hold."""
    for path, kept in ((PLATFORM, "no-cache"), ("/v1/assets/none/metrics", "no-store")):
        headers = get(path).headers
        assert headers["Cache-Control"] == f"private, {kept}"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_before_the_views_exist_the_answer_says_what_to_run(database: str) -> None:
    """`database` is migrated and has seen no dbt."""
    with TestClient(create_app()) as client:
        answer = client.get(PLATFORM, headers=admin())
        problem = assert_problem(answer, 503)
        assert "eventmill backfill" in str(problem["detail"])
        assert client.get("/readyz").status_code == 200


def test_without_a_database_the_api_starts_and_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOL_SECONDS", 0.2)
    with (
        environment(EVENTMILL_DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}"),
        TestClient(create_app()) as client,
    ):
        assert client.get("/healthz").json() == {"status": "ok"}
        for path in ("/readyz", PLATFORM, "/v1/assets/asset/metrics"):
            answer = client.get(path, headers=admin())
            assert_problem(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0


@pytest.fixture
def small_client(views_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """One connection, and little patience."""
    monkeypatch.setattr(database, "POOL_SIZE", 1)
    monkeypatch.setattr(database, "POOL_SECONDS", 0.3)
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1)
    with TestClient(create_app()) as client:
        yield client


def test_slow_queries_and_busy_connections_are_told_to_come_back(
    small_client: TestClient, views_database: str
) -> None:
    assert small_client.get(PLATFORM, headers=admin()).status_code == 200
    answers: list[Response] = []
    with connect(views_database) as blocker:
        blocker.execute("lock table raw.events in access exclusive mode")
        slow = threading.Thread(
            target=lambda: answers.append(small_client.get(PLATFORM, headers=admin()))
        )
        slow.start()
        wait_until_blocked(views_database)
        busy = small_client.get(PLATFORM, headers=admin())
        slow.join()
    for answer in (busy, answers[0]):
        assert_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    assert "took longer" in answers[0].json()["detail"]
    assert small_client.get(PLATFORM, headers=admin()).status_code == 200


def wait_until_blocked(url: str) -> None:
    waiting = "select count(*) from pg_locks where not granted"
    with connect(url, autocommit=True) as connection:
        wait_until(lambda: scalar(connection, waiting))


def test_a_connection_that_broke_is_replaced(get: Get, events: psycopg.Connection) -> None:
    assert get(PLATFORM).status_code == 200
    events.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'eventmill-dashboards'"
    )
    assert get(PLATFORM).status_code == 200


def admin() -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"}
