"""A wrong query is told what is wrong and what is right, and no text becomes SQL."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from httpx import Response

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.support import Event, at, insert

TODAY = utc_today()
Send = Callable[..., Response]
Ask = Callable[..., dict[str, Any]]

NASTY = [
    "' or 1=1 --",
    '"; drop table raw.events; --',
    "') union select 1 --",
    "/* */",
    "%",
    "_",
    "\\",
    "%s",
    "%(p0)s",
    "{0}",
    "$1",
    "' || pg_sleep(9) || '",
    "\u202e\u0000",
    "\x00",
    "\ud800",
    "a\ud800",
    "ａ",
    "a" * 5_000,
    "null",
    "",
]


@pytest.fixture(scope="module", autouse=True)
def _some_events(events: psycopg.Connection) -> None:
    insert(
        events,
        *(
            Event(
                event_type="asset_viewed",
                occurred_at=at(TODAY - timedelta(days=1)),
                ip_asset_id=asset,
                actor_type=role,
                actor_id=role and "ann",
            )
            for asset, role in (("one", None), ("two", "creator"), (None, None))
        ),
    )


def errors_of(response: Response) -> dict[str, str]:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return {one["field"]: one["message"] for one in response.json()["errors"]}


def test_a_wrong_name_is_answered_with_the_right_ones(send: Send) -> None:
    body = {
        "metrics": ["veiws", "country"],
        "dimensions": ["chanel", "views"],
        "filters": [{"field": "brwser", "value": "x"}, {"field": "views", "value": "1"}],
    }
    found = errors_of(send("POST", "/v1/query", body))
    assert found["metrics.0"] == (
        "there is no metric 'veiws'. Did you mean 'views'? There are: credited_conversions,"
        " credited_revenue_cents, unique_visitors, events, views, clicks, conversions,"
        " revenue_cents, engagement_time"
    )
    assert "It is a dimension" in found["metrics.1"]
    assert "Did you mean 'channel'?" in found["dimensions.0"]
    assert "country" in found["dimensions.0"]
    assert "It is a metric" in found["dimensions.1"]
    assert "Did you mean 'browser'?" in found["filters.0.field"]
    assert "filter by dimensions" in found["filters.1.field"]


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"metrics": []}, "metrics", "at least 1"),
        ({}, "metrics", "required"),
        ({"metrics": ["views", "views"]}, "metrics.1", "twice"),
        ({"dimensions": ["asset", "ip_asset_id"]}, "dimensions.1", "twice"),
        ({"dimensions": ["creator"]}, "dimensions.0", "no dimension of traffic"),
        (
            {"metrics": ["credited_conversions"], "dimensions": ["country"]},
            "dimensions.0",
            "no dimension of attribution",
        ),
        (
            {"metrics": ["views", "credited_conversions"], "filters": {"os": "iOS"}},
            "filters.0.field",
            "there are: date, week, month, source",
        ),
        ({"order_by": ["-clicks"]}, "order_by.0.field", "To sort by there are: views"),
        ({"order_by": [{"field": "views", "direction": "up"}]}, "order_by.0.direction", "asc"),
        ({"limit": 0}, "limit", "greater"),
        ({"limit": 10_001}, "limit", "10000"),
        ({"limit": True}, "limit", "whole number"),
        ({"limit": "5"}, "limit", "whole number"),
        ({"limit": 1e400}, "limit", "whole number"),
        ({"offset": -1}, "offset", "greater"),
        ({"date_range": "40d"}, "date_range.period", "7d"),
        ({"date_range": {"start": "2015-05-17"}}, "date_range.end", "go together"),
        ({"date_range": {"start": 1, "end": 2}}, "date_range.start", "YYYY-MM-DD"),
        ({"date_range": {"start": "2015-01-01", "end": "2017-01-02"}}, "date_range.end", "732"),
        (
            {"filters": [{"field": "channel", "op": "like", "value": "x"}]},
            "filters.0.op",
            "contains",
        ),
        ({"filters": [{"field": "channel", "op": "in", "value": "x"}]}, "filters.0.value", "list"),
        (
            {"filters": [{"field": "channel", "op": "is", "value": ["x"]}]},
            "filters.0.value",
            "list",
        ),
        ({"filters": [{"field": "channel", "op": "in", "value": []}]}, "filters.0.value", "1 to"),
        ({"filters": [{"field": "channel", "value": 1.5}]}, "filters.0.value", "text or null"),
        ({"filters": [{"field": "channel", "value": {"a": 1}}]}, "filters.0.value", "text or null"),
        ({"filters": [{"field": "channel"}]}, "filters.0.value", "required"),
        ({"filters": [{"field": "date", "op": "contains", "value": "2"}]}, "filters.0.op", "dates"),
        (
            {"filters": [{"field": "channel", "op": "contains", "value": None}]},
            "filters.0.op",
            "text",
        ),
        ({"filters": [{"field": "date", "value": "yesterday"}]}, "filters.0.value", "YYYY-MM-DD"),
        ({"attribution_model": "liner"}, "attribution_model", "linear"),
        ({"metric": ["views"]}, "metric", "no such"),
    ],
)
def test_what_is_wrong_is_named(send: Send, body: dict[str, Any], field: str, says: str) -> None:
    text = json.dumps(body if body == {} else {"metrics": ["views"], **body})
    # What is too large for a float comes as Infinity, which Python also reads.
    found = errors_of(send("POST", "/v1/query", content=text))
    assert says in found[field], found


@pytest.mark.parametrize("role", ["admin", "creator", "brand"])
@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_text_of_any_kind_is_an_unknown_value(ask: Ask, text: str, role: str) -> None:
    caller = Caller("ann", role, "acme" if role == "brand" else None)  # type: ignore[arg-type]

    def rows(*filters: dict[str, Any]) -> list[dict[str, Any]]:
        found = ask(caller, metrics=["views"], dimensions=["asset", "channel"], filters=filters)
        return found["rows"]  # type: ignore[no-any-return]

    for field in ("asset", "channel", "campaign"):
        for op in ("is", "is_not", "contains"):
            unknown = rows({"field": field, "op": op, "value": "nobody has this"})
            if op == "contains" and text == "":
                continue
            assert rows({"field": field, "op": op, "value": text}) == unknown
        assert rows({"field": field, "op": "in", "value": [text]}) == rows(
            {"field": field, "op": "in", "value": ["nobody has this"]}
        )


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_text_of_any_kind_is_an_unknown_name(send: Send, text: str) -> None:
    for body in (
        {"metrics": [text]},
        {"metrics": ["views"], "dimensions": [text]},
        {"metrics": ["views"], "filters": [{"field": text, "value": "x"}]},
        {"metrics": ["views"], "filters": {text: "x"}},
        {"metrics": ["views"], "order_by": [text]},
        {"metrics": ["views"], "attribution_model": text},
        {"metrics": ["views"], "date_range": text},
        {"metrics": ["views"], "date_range": {"start": text, "end": text}},
        {"metrics": ["views"], text: "x"},
    ):
        assert errors_of(send("POST", "/v1/query", body)), body


def test_who_owns_nothing_sees_nothing_whatever_they_are_called(ask: Ask) -> None:
    for text in NASTY:
        if "\ud800" in text or not text:  # no token can carry it
            continue
        for caller in (Caller(text, "creator"), Caller("x", "brand", text)):
            assert ask(caller, metrics=["views"], dimensions=["asset"])["rows"] == []
            assert ask(caller, metrics=["events"])["rows"] == [{"events": 0}]


def test_a_body_that_is_no_json_is_refused(send: Send) -> None:
    response = send("POST", "/v1/query", content="{")
    assert response.status_code == 400
