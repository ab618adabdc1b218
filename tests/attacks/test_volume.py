"""Many visitors of somebody's invention: an address and a key have budgets of their own."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.errors import RateLimited
from ingest_api.arrival import Arrival
from ingest_api.limits import Limits
from ingest_api.senders import Sender
from ingest_api.strangers import NEW_A_MINUTE
from tests.ingest_api.support import DAY, event, new_key, served, with_key
from tests.support import environment, rows

OLD_DAYS = {"EVENTMILL_RETENTION_DAYS": "0"}
DEFAULTS: dict[str, str | None] = {**OLD_DAYS, "EVENTMILL_ADDRESS_EVENTS_PER_MINUTE": None}


def _send(api: httpx.Client, first: int, number: int) -> httpx.Response:
    events = [event(anonymous_id=f"invented-{first + one}") for one in range(number)]
    return api.post("/v1/events", json={"events": events})


@pytest.mark.usefixtures("database")
def test_five_thousand_invented_visitors_are_stopped() -> None:
    with environment(**DEFAULTS), served("publishable") as api:
        answers = [_send(api, first, 100) for first in range(0, 5_000, 100)]
        accepted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(accepted) + len(refused) == 50
        # 7,200 a minute are 1,200 in each window of 10 s.
        assert 12 <= len(accepted) <= 24
        assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in refused)
        assert "1,200 events in 10 s" in refused[0].json()["detail"]
        assert api.get("/healthz").status_code == 200


@pytest.mark.usefixtures("database")
def test_a_key_has_a_budget_over_all_addresses() -> None:
    limits = {"EVENTMILL_PUBLISHABLE_KEY_EVENTS_PER_MINUTE": "60", "EVENTMILL_TRUSTED_PROXIES": "1"}
    limits |= OLD_DAYS
    with environment(**limits), served("publishable") as api:
        statuses = []
        for number in range(12):
            api.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            statuses.append(_send(api, number, 1).status_code)
        assert statuses == [200] * 10 + [429] * 2


@pytest.mark.usefixtures("database")
def test_a_server_is_not_held_to_the_budget_of_an_address() -> None:
    with environment(EVENTMILL_ADDRESS_EVENTS_PER_MINUTE="6", **OLD_DAYS), served("secret") as api:
        assert _send(api, 0, 100).json()["accepted"] == 100


def _rows(connection: psycopg.Connection, columns: str) -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from raw.events order by occurred_at, event_id")


def test_one_address_brings_few_new_agents_and_sites(connection: psycopg.Connection) -> None:
    with environment(**OLD_DAYS), served("publishable") as api:
        events = [
            event(
                anonymous_id=f"v-{n}",
                context={"user_agent": f"Invented/{n}", "referrer": f"https://s{n}.example/"},
            )
            for n in range(100)
        ]
        answer = api.post("/v1/events", json={"events": events}).json()
        assert answer["accepted"] == 100
        found = {w["field"] for result in answer["results"] for w in result.get("warnings", ())}
        assert found == {"context.user_agent", "context.referrer"}
        # One that is known is nobody's invention.
        api.headers["X-Forwarded-For"] = "203.0.113.7"
        again = api.post("/v1/events", json=events[0]).json()
        assert "warnings" not in again["results"][0]
        server = with_key(new_key("secret"))
        assert api.post("/v1/events", json=events[99], headers=server).json()["accepted"] == 1
    names = Counter(name for pair in _rows(connection, "user_agent, referrer") for name in pair)
    # Agents and sites share the sixty.
    assert names.pop("other") == 200 - NEW_A_MINUTE
    assert len(names) == NEW_A_MINUTE + 2, "what the server says is not bounded"


def test_nobody_is_engaged_for_longer_than_time_has_passed(connection: psycopg.Connection) -> None:
    def reading(minute: int, ms: float, who: str = "v") -> dict[str, Any]:
        at = f"{DAY}T12:{minute:02}:00Z"
        return event(occurred_at=at, anonymous_id=who, props={"engagement_ms": ms})

    day_ms = 24 * 60 * 60 * 1000
    sent = [reading(0, day_ms), reading(10, 599_000), reading(20, day_ms), reading(25, day_ms, "w")]
    # Dated long ago, and received now: no time has passed for this visitor.
    sent += [event(occurred_at=f"{DAY}T01:00:00Z", anonymous_id="x"), reading(40, day_ms, "x")]
    # JSON's schema takes 86400000.0 for an integer.
    sent.append(reading(26, float(day_ms), "y"))
    with environment(**OLD_DAYS), served("publishable") as api:
        answer = api.post("/v1/events", json={"events": sent}).json()
        assert [len(result.get("warnings", ())) for result in answer["results"]] == [
            1,
            0,
            1,
            1,
            0,
            1,
            1,
        ]
        server = with_key(new_key("secret"))
        api.post("/v1/events", json=reading(30, day_ms), headers=server)
    (none,), *found, (of_x,) = _rows(connection, "(props_json ->> 'engagement_ms')::bigint")
    assert none is None
    assert 1_800_000 <= of_x < 1_900_000
    assert found == [
        (1_800_000,), (599_000,), (600_000,), (1_800_000,), (1_800_000,), (day_ms,),
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
def test_a_network_of_ipv6_is_one_sender() -> None:
    limits = {"EVENTMILL_ADDRESS_EVENTS_PER_MINUTE": "60", **OLD_DAYS}
    with environment(**limits), served("publishable") as api:
        statuses = []
        for network, number in [("1", n) for n in range(12)] + [("2", 0)]:
            api.headers["X-Forwarded-For"] = f"2001:db8:0:{network}::{number + 1:x}"
            statuses.append(_send(api, number, 1).status_code)
        assert statuses == [200] * 10 + [429] * 2 + [200]


@pytest.mark.usefixtures("database")
def test_bytes_are_counted_too() -> None:
    with environment(EVENTMILL_ADDRESS_MB_PER_MINUTE="1", **OLD_DAYS), served("publishable") as api:
        large = {"events": [event(props={"text": "x" * 6_000})] * 10}
        answers = [api.post("/v1/events", json=large) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "166,667 bytes in 10 s" in answers[2].json()["detail"]


def test_what_is_refused_fills_no_disk(connection: psycopg.Connection) -> None:
    with environment(EVENTMILL_REJECTED_MB_PER_DAY="1", **OLD_DAYS), served("publishable") as api:
        refused = [event(event_type="nope", props={"text": "x" * 60_000}) for _ in range(15)]
        for _ in range(3):
            assert api.post("/v1/events", json={"events": refused}).json()["rejected"] == 15
        kept = rows(
            connection, "select count(*), sum(length(event::text)) from raw.rejected_events"
        )
        assert 14 <= kept[0][0] <= 17
        assert kept[0][1] <= 1_000_000
        counted = f"eventmill_ingest_unkept_rejected_events_total {45 - kept[0][0]}.0"
        assert counted in api.get("/metrics").text
        # A server's mistakes are kept.
        server = with_key(new_key("secret"))
        assert api.post("/v1/events", json=refused[0], headers=server).json()["rejected"] == 1
    assert rows(connection, "select count(*) from raw.rejected_events") == [(kept[0][0] + 1,)]


@pytest.mark.parametrize(
    ("invented", "whose"),
    [("anonymous_id", "ADDRESS"), ("user_agent", "ADDRESS"), ("address", "PUBLISHABLE_KEY")],
)
def test_inventing_senders_gives_nobody_a_new_budget(
    home: object, monkeypatch: pytest.MonkeyPatch, invented: str, whose: str
) -> None:
    monkeypatch.setattr("ingest_api.limits.MAX_COUNTED", 20)
    with environment(**{f"EVENTMILL_{whose}_EVENTS_PER_MINUTE": "600"}):
        limits = Limits()

    def take(number: int) -> None:
        arrival = Arrival(
            Sender("publishable", key_id="k"),
            "",
            datetime.now(UTC),
            address=f"2001:db8:0:{number if invented == 'address' else 0:x}::1",
            user_agent=f"Invented/{number}",
        )
        event = {"anonymous_id": f"v-{number}"} if invented == "anonymous_id" else {}
        limits.take(arrival, 1, [event])

    for number in range(100):
        take(number)
    with pytest.raises(RateLimited, match="100 events in 10 s"):
        take(100)
