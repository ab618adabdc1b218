"""Segment's and RudderStack's libraries for Python."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from tests.clients.conftest import Service
from tests.clients.proxies import losing_first_answer

COLUMNS = "event_type, actor_type, actor_id, anonymous_id, ip_asset_id, props_json"


@pytest.mark.parametrize("library", [SegmentClient, RudderClient], ids=["segment", "rudder"])
@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_servers(service: Service, library: Any, gzip: bool) -> None:
    errors: list[object] = []
    client = library(
        service.secret_key,
        host=service.url,
        gzip=gzip,
        on_error=lambda *error: errors.append(error),
    )
    yesterday = datetime.now(UTC) - timedelta(days=1)
    client.track(anonymous_id="anon-1", event="Asset Viewed", properties={"asset_id": "a-1"})
    client.identify(user_id="creator-1", anonymous_id="anon-1", traits={"name": "Somebody"})
    client.track(
        user_id="creator-1", event="assetUploaded", timestamp=yesterday,
        properties={"ipAssetId": "a-1", "title": "An asset"},
    )  # fmt: skip
    client.page(anonymous_id="anon-1", name="Asset", properties={"url": "https://market.example/"})
    client.shutdown()
    assert errors == []
    assert service.events(3, COLUMNS) == [
        ("asset_uploaded", "creator", "creator-1", None, "a-1", {"title": "An asset"}),
        ("asset_viewed", None, None, "anon-1", "a-1", {}),
        ("page_viewed", None, None, "anon-1", None, {"title": "Asset", "name": "Asset"}),
    ]
    uploaded = service.events(3, "event_type, occurred_at")[0][1]
    assert abs(uploaded - yesterday) < timedelta(seconds=1)
    assert service.identities() == [("anon-1", "creator-1", True)]


@pytest.mark.parametrize("library", [SegmentClient, RudderClient], ids=["segment", "rudder"])
def test_a_wrong_key_is_reported_at_once(service: Service, library: Any) -> None:
    errors: list[object] = []
    client = library(
        "emk_sec_" + "x" * 32, host=service.url, on_error=lambda *error: errors.append(error)
    )
    client.track(user_id="creator-1", event="Asset Uploaded")
    client.shutdown()
    assert len(errors) == 1
    assert "401" in str(errors[0]), errors
    assert service.events(0, COLUMNS) == []


@pytest.mark.parametrize("library", [SegmentClient, RudderClient], ids=["segment", "rudder"])
def test_a_lost_answer_counts_nothing_twice(service: Service, library: Any) -> None:
    """The library sends the same messageId again, later and with another sentAt."""
    with losing_first_answer(service.url) as (url, answered):
        client = library(service.secret_key, host=url)
        client.track(anonymous_id="anon-1", event="Asset Viewed", properties={"assetId": "a-1"})
        client.shutdown()
    assert answered == [200, 200]
    assert service.events(1, "event_type") == [("asset_viewed",)]
