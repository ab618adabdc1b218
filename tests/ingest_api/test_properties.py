"""Whatever JSON arrives: never a 5xx, and what is accepted is stored exactly once, as sent."""

import json
import re
import uuid
from typing import Any

import httpx
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.core.registry import FIELDS, OLDEST
from eventmill.core.tracking_plan import tracking_plan
from ingest_api.privacy import IP_FIELDS
from tests.support import rows

EPOCH = OLDEST.replace(tzinfo=None)

# Surrogates included: Python writes a lone one as an escape, as careless senders do.
text = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
numbers = st.integers() | st.floats() | st.just(2**63) | st.just(10**4000)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)
events = st.fixed_dictionaries(
    {"event_type": st.sampled_from(sorted(tracking_plan().event_types))},
    optional={
        **dict.fromkeys(FIELDS - {"event_type", "props", "context"}, values),
        "props": st.dictionaries(text, values, max_size=5) | values,
        "context": st.dictionaries(
            st.sampled_from(
                ["page_url", "landing_page", "referrer", "user_agent", "utm", "screen"]
            ),
            values,
        ),
    },
)
# What should be accepted: anything that text, jsonb and a 64-bit number can hold.
storable_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
# Not the names of a client's address: such properties are removed (test_privacy.py).
names = storable_text.filter(lambda name: re.sub(r"[\W_]", "", name).lower() not in IP_FIELDS)
storable = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | storable_text
    | st.floats(-(2**53), 2**53),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
likely_events = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["page_viewed", "search_performed", "license_created"]),
        "event_id": storable_text.filter(bool) | st.uuids().map(str),
        "occurred_at": st.datetimes(EPOCH, EPOCH.replace(year=2026)).map(
            lambda moment: f"{moment.isoformat()}Z"
        ),
        "anonymous_id": storable_text,
        "props": st.dictionaries(names, storable, max_size=5),
    }
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=values | st.fixed_dictionaries({"events": values}))
def test_any_json_is_answered(shared_api: httpx.Client, value: Any) -> None:
    _, status = post(shared_api, value)
    assert status in (200, 422)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batch=st.lists(likely_events | events, min_size=1, max_size=5))
def test_what_is_accepted_is_stored_once_and_as_sent(
    shared_api: httpx.Client, shared_connection: psycopg.Connection, batch: list[Any]
) -> None:
    for event in batch:
        if isinstance(event, dict) and isinstance(event.get("event_id"), str) and event["event_id"]:
            event["event_id"] = f"{uuid.uuid4()}{event['event_id']}"
    answer, status = post(shared_api, {"events": batch})
    assert status in (200, 422)
    assert len(answer["results"]) == len(batch)
    for event, result in zip(batch, answer["results"], strict=True):
        if result["status"] == "rejected":
            assert result["errors"]
            assert all(error["field"] and error["message"] for error in result["errors"])
            continue
        found = rows(
            shared_connection,
            "select event_type, props_json, anonymous_id from raw.events where event_id = %s",
            result["event_id"],
        )
        assert len(found) == 1
        if result["status"] == "accepted":
            props = event.get("props") or {}
            assert found[0] == (event["event_type"], props, event.get("anonymous_id") or None)
    again, _ = post(shared_api, {"events": [e for e in batch if _has_own_id(e)]})
    assert again["accepted"] == 0


def post(api: httpx.Client, value: Any) -> tuple[Any, int]:
    answer = api.post("/v1/events", content=json.dumps(value))
    assert answer.status_code < 500, answer.text
    return answer.json(), answer.status_code


def _has_own_id(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("event_id"), str)
