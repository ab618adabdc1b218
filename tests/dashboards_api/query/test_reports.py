"""Saved reports: named queries that belong to somebody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from httpx import Response

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.query.conftest import ADMIN
from tests.dashboards_api.support import Event, at, insert

Send = Callable[..., Response]

ANN, BOB = Caller("ann", "creator"), Caller("bob", "creator")
ACME, COLLEAGUE = Caller("u1", "brand", "acme"), Caller("u2", "brand", "acme")
OTHER_BRAND = Caller("u1", "brand", "other")
QUERY = {"metrics": ["views"], "dimensions": ["asset"], "date_range": "7d"}
NOT_FOUND = "there is no such report, or it is not yours"


@pytest.fixture(scope="module", autouse=True)
def _some_events(events: psycopg.Connection) -> None:
    day = utc_today() - timedelta(days=1)
    for creator, asset in (("ann", "a"), ("bob", "b")):
        owned = {"ip_asset_id": asset, "occurred_at": at(day)}
        insert(
            events,
            Event(event_type="asset_uploaded", actor_type="creator", actor_id=creator, **owned),
            Event(event_type="asset_viewed", **owned),
        )


@pytest.fixture(autouse=True)
def _no_reports(events: psycopg.Connection) -> None:
    events.execute("delete from ops.reports")


def saved(send: Send, caller: Caller, name: str = "Mine", **query: Any) -> dict[str, Any]:
    body = {"name": name, "query": QUERY | query}
    response = send("POST", "/v1/reports", body, caller)
    assert response.status_code == 201, response.text
    report: dict[str, Any] = response.json()
    assert response.headers["Location"] == f"/v1/reports/{report['id']}"
    return report


def test_a_report_is_saved_listed_changed_and_deleted(send: Send) -> None:
    report = saved(send, ANN)
    path = f"/v1/reports/{report['id']}"
    assert report["query"] == QUERY | {"date_range": {"period": "7d"}}
    assert send("GET", path, caller=ANN).json() == report
    saved(send, ANN, "A first")
    names = [one["name"] for one in send("GET", "/v1/reports", caller=ANN).json()["reports"]]
    assert names == ["A first", "Mine"]
    change = {"name": "Renamed", "description": "Why", "query": {"metrics": ["clicks"]}}
    changed = send("PUT", path, change, ANN).json()
    assert {name: changed[name] for name in change} == change
    assert changed["created_at"] == report["created_at"]
    assert changed["updated_at"] > report["updated_at"]
    assert send("DELETE", path, caller=ANN).status_code == 204
    assert send("GET", path, caller=ANN).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_running_a_report_answers_as_the_query_does(send: Send, method: str) -> None:
    report = saved(send, ANN)
    answer = send(method, f"/v1/reports/{report['id']}/run", caller=ANN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == [{"asset": "a", "views": 1}]
    assert answer.json()["range"] == {
        "start": str(utc_today() - timedelta(days=6)),
        "end": str(utc_today()),
    }
    page = send(method, f"/v1/reports/{report['id']}/run?limit=5&offset=1", caller=ANN).json()
    assert (page["rows"], page["total_rows"], page["limit"]) == ([], 1, 5)
    assert send(method, f"/v1/reports/{report['id']}/run?limit=0", caller=ANN).status_code == 422


@pytest.mark.parametrize(
    ("owner", "stranger"),
    [
        (ANN, BOB),
        (ANN, ADMIN),
        (ADMIN, Caller("second", "admin")),
        (ACME, OTHER_BRAND),
        (ANN, Caller("x", "brand", "ann")),
        (ADMIN, Caller("root", "creator")),
    ],
    ids=str,
)
def test_somebody_elses_report_looks_like_none(send: Send, owner: Caller, stranger: Caller) -> None:
    path = f"/v1/reports/{saved(send, owner)['id']}"
    body = {"name": "Theirs", "query": QUERY}
    for identifier in (path, f"/v1/reports/{uuid4()}", "/v1/reports/no-id", "/v1/reports/%00"):
        for method, place, sent in (
            ("GET", identifier, None),
            ("PUT", identifier, body),
            ("DELETE", identifier, None),
            ("GET", f"{identifier}/run", None),
            ("POST", f"{identifier}/run", None),
        ):
            answer = send(method, place, sent, stranger)
            assert (answer.status_code, answer.json()["detail"]) == (404, NOT_FOUND)
    assert send("GET", "/v1/reports", caller=stranger).json() == {"reports": []}
    assert send("GET", path, caller=owner).json()["name"] == "Mine"


def test_a_brands_reports_are_everybodys_there(send: Send) -> None:
    path = f"/v1/reports/{saved(send, ACME)['id']}"
    assert send("GET", path, caller=COLLEAGUE).status_code == 200
    assert send("GET", f"{path}/run", caller=COLLEAGUE).json()["rows"] == []


def test_a_name_is_taken_once_for_each_owner(send: Send) -> None:
    saved(send, ANN)
    saved(send, BOB)
    other = saved(send, ANN, "Another")
    again = {"name": " Mine ", "query": QUERY}
    for answer in (
        send("POST", "/v1/reports", again, ANN),
        send("PUT", f"/v1/reports/{other['id']}", again, ANN),
    ):
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"field": "name", "message": "you have a report named 'Mine' already"}
        ]


def test_a_wrong_query_is_not_saved(send: Send) -> None:
    for query, field in (
        ({"metrics": ["veiws"]}, "query.metrics.0"),
        ({"metrics": []}, "query.metrics"),
        ({**QUERY, "filters": {"asset": "a\x00"}}, "query.filters.0.value"),
        ({**QUERY, "filters": {"asset": "\ud800"}}, "query.filters.0.value"),
    ):
        answer = send("POST", "/v1/reports", {"name": "Wrong", "query": query}, ANN)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
    for name in ("", "  ", "a\x00b", "\ud800", "x" * 201):
        answer = send("POST", "/v1/reports", {"name": name, "query": QUERY}, ANN)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")


def test_a_metric_that_is_gone_is_named_when_the_report_is_run(
    send: Send, events: psycopg.Connection
) -> None:
    path = f"/v1/reports/{saved(send, ANN)['id']}/run"
    events.execute("""update ops.reports set query = '{"metrics": ["gone"]}'""")
    assert send("GET", path, caller=ANN).json()["errors"][0]["field"] == "metrics.0"
    events.execute("""update ops.reports set query = '{"metric": 1}'""")
    assert send("GET", path, caller=ANN).json()["errors"][0]["field"] == "query.metrics"


def test_an_owner_keeps_200_reports(send: Send, events: psycopg.Connection) -> None:
    events.execute(
        "insert into ops.reports (owner_role, owner_id, name, query, created_by)"
        " select 'creator', 'ann', 'n' || n, '{}', 'ann' from generate_series(1, 199) as n"
    )
    saved(send, ANN, "The last")
    answer = send("POST", "/v1/reports", {"name": "Too many", "query": QUERY}, ANN)
    assert "200 reports" in answer.json()["errors"][0]["message"]
    saved(send, BOB)
