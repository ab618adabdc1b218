"""Segment's and RudderStack's libraries for Node."""

from collections.abc import Callable

import pytest

from tests.clients.conftest import Service
from tests.clients.proxies import losing_first_answer
from tests.support import scalar

PAGE = {"title": "An asset", "name": "Asset"}


def test_segment_node(service: Service, run_node: Callable[..., str]) -> None:
    run_node("segment_node.mjs", HOST=service.url, WRITE_KEY=service.secret_key)
    columns = (
        "event_type, actor_type, actor_id, anonymous_id, ip_asset_id, license_id, project_id,"
        " brand_id, props_json, utm_source, referrer, source"
    )
    library = "@segment/analytics-node"
    seen = ("anon-1", "a-1", None, None, None)
    google = ("newsletter", "https://www.google.com/", library)
    assert service.events(3, columns) == [
        ("asset_viewed", None, None, *seen, {}, *google),
        (
            "license_created", "brand", "brand-1", None, "a-1", "l-1", "p-1", "brand-1",
            {"revenue_cents": 129900, "currency": "EUR"}, None, None, library,
        ),
        ("page_viewed", None, None, "anon-1", None, None, None, None,
         PAGE, *google),
    ]  # fmt: skip
    assert service.identities() == [("anon-0", "brand-1", True), ("anon-1", "brand-1", True)]
    hour = "extract(epoch from received_at - occurred_at)"
    query = f"select {hour} between 3590 and 3660 from raw.events where event_type = 'asset_viewed'"
    assert scalar(service.connection, query)


def test_rudder_node(service: Service, run_node: Callable[..., str]) -> None:
    run_node("rudder_node.mjs", HOST=service.url, WRITE_KEY=service.secret_key)
    columns = "event_type, actor_type, actor_id, anonymous_id, ip_asset_id, props_json, source"
    assert service.events(2, columns) == [
        ("asset_uploaded", "creator", "creator-1", None, "a-1", {"file_size_bytes": 12}, "server"),
        ("page_viewed", None, None, "anon-1", None, PAGE, "server"),
    ]
    assert service.identities() == [("anon-1", "creator-1", True)]


@pytest.mark.parametrize(("script", "count"), [("segment_node.mjs", 3), ("rudder_node.mjs", 2)])
def test_a_lost_answer_counts_nothing_twice(
    service: Service, run_node: Callable[..., str], script: str, count: int
) -> None:
    with losing_first_answer(service.url) as (url, answered):
        run_node(script, HOST=url, WRITE_KEY=service.secret_key)
    assert len(answered) >= 2
    assert set(answered) == {200}
    assert len(service.events(count, "event_id")) == count
