"""Random people with random events: whoever is erased, the rest is as if they never were."""

from datetime import timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.dbt_project.warehouse import Warehouse
from tests.privacy.numbers import numbers
from tests.privacy.support import DAY, add, at, erase_now, link, places

NAMES = tuple(f"person-{letter * 4}" for letter in "abcd")
LAST_DAY = 4
MODELS = ("--exclude-resource-type", "test", "unit_test")

# Each example is three builds of all days.
few = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
    ],
)  # fmt: skip

EVENTS = st.fixed_dictionaries(
    {
        # Around midnight too: a visit that begins on one day and ends on the next.
        "hour": st.one_of(
            st.floats(0, 24 * LAST_DAY), st.sampled_from([23.7, 24.0, 24.2, 47.9, 48.1])
        ),
        "event_type": st.sampled_from(
            ["page_viewed", "asset_viewed", "asset_viewed", "asset_downloaded", "license_created"]
        ),
        "who": st.sampled_from(["user", "device", "both", "user_id"]),
        "ip_asset_id": st.sampled_from([None, "a", "b"]),
        "project_id": st.sampled_from([None, "p"]),
        "session_id": st.sampled_from([None, None, "s"]),
        "utm_source": st.sampled_from([None, "mail", "partner"]),
        "revenue": st.integers(0, 1000),
    }
)
PEOPLE = st.fixed_dictionaries({name: st.lists(EVENTS, min_size=1, max_size=12) for name in NAMES})


def add_person(connection: psycopg.Connection, name: str, stream: list[dict[str, Any]]) -> None:
    link(connection, f"device-{name}", name)
    for drawn in stream:
        ids = {
            "user": {"actor_type": "user", "actor_id": name},
            "device": {"anonymous_id": f"device-{name}"},
            "both": {"actor_type": "user", "actor_id": name, "anonymous_id": f"device-{name}"},
            "user_id": {"user_id": name, "anonymous_id": f"device-{name}"},
        }[drawn["who"]]
        session = drawn["session_id"] and f"{name}-{drawn['session_id']}"
        add(
            connection, at(0) + timedelta(hours=drawn["hour"] - 12),
            event_type=drawn["event_type"], ip_asset_id=drawn["ip_asset_id"],
            project_id=drawn["project_id"], session_id=session, utm_source=drawn["utm_source"],
            props_json={"revenue_cents": drawn["revenue"]}, **ids,
        )  # fmt: skip


@few
@given(people=PEOPLE, erased=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_the_rest_is_as_if_they_had_never_been(
    warehouse: Warehouse,
    connection: psycopg.Connection,
    people: dict[str, list[dict[str, Any]]],
    erased: set[str],
) -> None:
    last = DAY + timedelta(days=LAST_DAY)
    connection.execute("truncate raw.events, raw.identities, raw.touched_days")
    for name in set(people) - erased:
        add_person(connection, name, people[name])
    warehouse.build(DAY, last, *MODELS)
    without = numbers(connection)
    for name in erased:
        add_person(connection, name, people[name])
    warehouse.build(DAY, last, *MODELS)
    before = numbers(connection)
    days = set()
    for name in erased:
        certificate = erase_now(warehouse.url, name)
        assert certificate.removed["raw.events"] == len(people[name])
        days |= set(certificate.rebuilt_days)
    assert before != without
    assert places(connection, [*erased, *(f"device-{name}" for name in erased)]) == []
    warehouse.build(min(days), max(days), *MODELS)
    assert numbers(connection) == without
