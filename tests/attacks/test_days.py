"""Days of the past, begun by whoever likes to: few of them, and nobody else waits meanwhile."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from ingest_api.partitions import MOST_NEW_DAYS
from tests.ingest_api.support import event, new_key, send, served, statuses, with_key
from tests.support import environment, rows, wait_until

# The service itself makes those from yesterday on.
PARTITIONS = """
select count(*) from pg_inherits
where inhparent = 'raw.events'::regclass
and inhrelid::regclass::text < 'raw.events_' || to_char(now() - interval '2 days', 'YYYYMMDD')
"""
HOLD = "select pg_advisory_xact_lock(hashtextextended('eventmill.ensure_partition', 0))"
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


def _ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


@pytest.mark.usefixtures("database")
def test_a_publishable_key_goes_back_a_week() -> None:
    unset: dict[str, str | None] = {"EVENTMILL_PUBLISHABLE_PAST_HOURS": None}
    with environment(**unset), served("publishable") as api:
        answer = send(api, *(event(occurred_at=_ago(hours=hours)) for hours in (1, 167, 169, 9000)))
        assert statuses(answer) == ["accepted", "accepted", "rejected", "rejected"]
        assert "the oldest accepted" in answer["results"][2]["errors"][0]["message"]
        # A server, and a user whom a token proves, tell of longer ago.
        old = event(occurred_at=_ago(hours=9000))
        key = with_key(new_key("secret"))
        assert api.post("/v1/events", json=old, headers=key).json()["accepted"] == 1


def test_a_request_begins_few_days_and_says_which_it_did_not(
    database: str, connection: psycopg.Connection
) -> None:
    with served() as api:
        events = [event(event_id=f"day-{n}", occurred_at=_ago(days=200 - n)) for n in range(150)]
        answer = send(api, *events)
        assert Counter(statuses(answer)) == {"accepted": MOST_NEW_DAYS, "rejected": 50}
        assert statuses(answer)[:50] == ["rejected"] * 50, "the newest days are begun first"
        message = answer["results"][0]["errors"][0]["message"]
        assert "of which nothing is stored yet" in message
        assert rows(connection, PARTITIONS) == [(MOST_NEW_DAYS,)]
        answer = send(api, *events)
        assert Counter(statuses(answer)) == {"duplicate": MOST_NEW_DAYS, "accepted": 50}


def test_nobody_waits_for_the_days_of_another(
    database: str, connection: psycopg.Connection
) -> None:
    with served() as api, psycopg.connect(database) as holder, ThreadPoolExecutor() as threads:
        assert send(api, event(event_id="today", occurred_at=_ago()))["accepted"] == 1
        holder.execute(HOLD)  # so the making of a partition takes as long as this test likes
        old = threads.submit(send, api, event(event_id="old", occurred_at=_ago(days=300)))
        # The service may be making the days ahead at this moment: it waits too.
        wait_until(lambda: rows(connection, WAITING) >= [(1,)])
        with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=5) as other:
            assert send(other, event(event_id="other", occurred_at=_ago()))["accepted"] == 1
            assert other.get("/healthz").status_code == 200
        assert not old.done()
        holder.rollback()
        assert old.result(30)["accepted"] == 1
