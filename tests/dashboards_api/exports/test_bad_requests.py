"""What cannot be exported is refused, and the answer names what is wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.database import connect
from tests.dashboards_api.exports.conftest import call
from tests.dashboards_api.exports.events import FIRST, LAST
from tests.support import environment, scalar

BODY = {"format": "jsonl", "start": str(FIRST), "end": str(LAST)}
REASON = "Request 4711 of the data protection officer"


@pytest.fixture(scope="module")
def client(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("exports")
    with environment(EVENTMILL_EXPORTS_URL=str(folder)), TestClient(create_app()) as started:
        yield started


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with connect(module_database, autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"format": "xlsx"}, "format", "csv"),
        ({"format": None}, "format", "csv"),
        ({"end": "2026-02-30"}, "end", "YYYY-MM-DD"),
        ({"end": 1772323200}, "end", "YYYY-MM-DD"),
        ({"end": "2026-02-28"}, "end", "before start"),
        ({"end": str(FIRST + timedelta(days=732))}, "end", "at most 732"),
        ({"end": None}, "end", "missing"),
        ({"period": "7d"}, "period", "cannot be combined"),
        ({"filters": {"actor_id": "anna"}}, "filters", "source, event_type"),
        ({"filters": {"\ud800": "x"}}, "filters", "there is no filter"),
        ({"filters": {"event_type": "asset_veiwed"}}, "filters.event_type", "'asset_viewed'"),
        ({"filters": {"source": []}}, "filters.source", "at least 1"),
        ({"filters": {"source": ["x"] * 101}}, "filters.source", "at most 100"),
        ({"filters": {"source": "a\0b"}}, "filters.source.0", "NUL"),
        ({"filters": {"source": "\ud800"}}, "filters.source.0", "surrogate"),
        ({"filters": {"source": ["x", 1]}}, "filters.source.1", "string"),
        ({"filters": []}, "filters", "valid dictionary"),
        ({"include_personal_data": True}, "reason", "10 characters"),
        ({"include_personal_data": True, "reason": " " * 20}, "reason", "10 characters"),
        ({"include_personal_data": "yes"}, "include_personal_data", "boolean"),
        ({"reason": REASON}, "reason", "goes with"),
        ({"include_personal_data": True, "reason": "\0" * 20}, "reason", "NUL"),
        ({"columns": ["source"]}, "columns", "no such parameter"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, connection: psycopg.Connection,
    change: dict[str, Any], field: str, says: str,
) -> None:  # fmt: skip
    # A lone surrogate cannot be sent but as an escape.
    body = json.dumps(BODY | change)
    answer = call(client, "POST", "/v1/exports", content=body)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert says in error["message"]
    assert scalar(connection, "select count(*) from ops.exports") == 0
