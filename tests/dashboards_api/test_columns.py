"""A brand learns nothing of another brand's business on an asset that both license.

The asset `busy` has all that `quiet` has, and another brand's business besides: whatever the first
brand asks, the two differ in how much they were looked at, and in nothing else.
"""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.query.conftest import Send, send
from tests.dashboards_api.support import Event, at, insert

__all__ = ["send"]

ACME = Caller("kim", "brand", "acme")
TODAY = utc_today()
BUILT, LIVE = TODAY - timedelta(days=3), TODAY
RANGE = {"start": str(TODAY - timedelta(days=6)), "end": str(TODAY)}
OPEN = {"views", "clicks", "unique_visitors", "engagement_time"}
# What only the other brand's events have.
SECRETS = ("rival", "secret", "999983", "ZW")


def _business(asset: str, brand: str, day: date, **props: Any) -> list[Event]:
    """A visit that ends in a license, of a campaign of the brand's project."""
    of_rival = brand == "rival"
    where = {
        "ip_asset_id": asset,
        "project_id": f"{brand}-project",
        "visitor_id": f"{brand}-{asset}",
        "utm_source": "secret-source" if of_rival else "newsletter",
        "utm_medium": "secret-medium" if of_rival else "email",
        "utm_campaign": f"{'secret' if of_rival else 'may'}-campaign",
        "country": "ZW" if of_rival else "DE",
    }
    license_id = f"{brand}-{asset}"
    sold = {"license_id": license_id, "brand_id": brand, "props_json": props}
    return [
        Event(event_type="asset_viewed", occurred_at=at(day, 10), **where),
        Event(event_type="license_created", occurred_at=at(day, 11), **where, **sold),
        Event(event_type="license_renewed", occurred_at=at(day, 12), **where, **sold),
    ]


@pytest.fixture(scope="module", autouse=True)
def _world(events: psycopg.Connection) -> None:
    made = [
        Event(
            event_type="project_created", occurred_at=at(BUILT), brand_id=brand,
            project_id=f"{brand}-project",
        )
        for brand in ("acme", "rival")
    ]  # fmt: skip
    for asset in ("quiet", "busy"):
        uploaded = {"actor_type": "creator", "actor_id": "ana", "ip_asset_id": asset}
        made.append(Event(event_type="asset_uploaded", occurred_at=at(BUILT), **uploaded))
        for day in (BUILT, LIVE):
            made += _business(asset, "acme", day, revenue_cents=700)
            seen = {"ip_asset_id": asset, "visitor_id": "somebody", "utm_source": "elsewhere"}
            made.append(Event(event_type="asset_viewed", occurred_at=at(day, 9), **seen))
    for day in (BUILT, LIVE):
        made += _business("busy", "rival", day, revenue_cents=999983)
    insert(events, *made)
    build(BUILT, BUILT)


def _closed(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in numbers.items() if name not in OPEN}


def test_the_metrics_of_an_asset(get: Get) -> None:
    found = {}
    for asset in ("quiet", "busy"):
        answer = get(f"/v1/assets/{asset}/metrics", ACME, **RANGE, compare="previous")
        assert answer.status_code == 200
        assert not [secret for secret in SECRETS if secret in answer.text]
        found[asset] = answer.json()
    quiet, busy = found["quiet"], found["busy"]
    assert _closed(busy["totals"]) == _closed(quiet["totals"])
    assert (busy["totals"]["conversions"], busy["totals"]["revenue_cents"]) == (2, 2800)
    assert list(map(_closed, busy["series"])) == list(map(_closed, quiet["series"]))
    assert busy["channels"] == quiet["channels"] != []
    assert {channel["channel"] for channel in quiet["channels"]} == {"email"}
    # What is everybody's to know of a licensed asset.
    assert (quiet["totals"]["views"], busy["totals"]["views"]) == (4, 6)
    assert (quiet["totals"]["unique_visitors"], busy["totals"]["unique_visitors"]) == (3, 4)


def test_any_metric_by_any_dimension(send: Send) -> None:
    schema = send("GET", "/v1/query/schema", caller=ACME).json()
    pairs = {
        (metric["name"], dimension["name"])
        for dataset in schema["datasets"]
        if dataset["name"] == "traffic"
        for metric in dataset["metrics"]
        for dimension in dataset["dimensions"]
    }
    assert {name for name, _ in pairs} > OPEN | {"conversions", "revenue_cents"}
    for metric, dimension in sorted(pairs):
        rows = {}
        for asset in ("quiet", "busy"):
            body = {
                "metrics": [metric],
                "dimensions": [dimension],
                "date_range": RANGE,
                "filters": [{"field": "asset", "op": "is", "value": asset}],
            }
            answer = send("POST", "/v1/query", body, ACME)
            assert answer.status_code == 200, answer.text
            assert not [secret for secret in SECRETS if secret in answer.text], body
            rows[asset] = answer.json()["rows"]
        is_open = metric in OPEN and dimension in {"date", "week", "month", "asset"}
        if not is_open and dimension != "asset":
            assert rows["busy"] == rows["quiet"], (metric, dimension)


def test_the_events_of_an_asset(get: Get) -> None:
    answers = [get(f"/v1/entities/ip_asset/{asset}/events", ACME) for asset in ("quiet", "busy")]
    assert not [secret for secret in SECRETS if secret in answers[1].text]
    quiet, busy = ([e["event_type"] for e in answer.json()["events"]] for answer in answers)
    assert sorted(busy) == sorted(quiet)
    assert len(busy) == 9
    for event in answers[0].json()["events"]:
        assert ("project_id" in event) == (event.get("utm_source") == "newsletter"), event


@pytest.mark.parametrize("who", [Caller("ana", "creator"), Caller("root", "admin")], ids=str)
def test_who_owns_the_asset_sees_all_of_it(get: Get, who: Caller) -> None:
    totals = get("/v1/assets/busy/metrics", who, **RANGE).json()["totals"]
    assert (totals["conversions"], totals["revenue_cents"]) == (4, 2 * (1400 + 2 * 999983))
