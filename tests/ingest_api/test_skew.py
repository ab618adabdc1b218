"""A client's clock that is wrong is taken out of `occurred_at`, and the event says so."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from ingest_api.arrival import Arrival
from ingest_api.senders import IMPORTER
from ingest_api.skew import shift_seconds, shifted
from tests.ingest_api.support import event, send
from tests.support import rows

NOW = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(0), 0),
        (timedelta(minutes=5), 0),
        (-timedelta(minutes=5), 0),
        (timedelta(minutes=5, seconds=1), -300),
        (-timedelta(minutes=5, seconds=1), 300),
        (timedelta(hours=1, seconds=29), -3600),
        (timedelta(hours=1, seconds=31), -3660),
        (-timedelta(days=20_000), 20_000 * 86_400),
    ],
)
def test_the_shift_is_the_clock_s_in_whole_minutes(ahead: timedelta, expected: int) -> None:
    assert shift_seconds(EARLIER, NOW + ahead, NOW) == expected


def test_nothing_to_shift_or_to_shift_by() -> None:
    assert shift_seconds(None, NOW - timedelta(days=1), NOW) == 0
    assert shift_seconds(EARLIER, None, NOW) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"occurred_at": "soon", "sent_at": "2020-01-01T00:00:00Z"},
        {"occurred_at": 5, "sent_at": "2020-01-01T00:00:00Z"},
        {"occurred_at": "2020-01-01T00:00:00Z", "sent_at": "yesterday"},
        {"occurred_at": "9999-12-31T23:59:59Z", "sent_at": "2020-01-01T00:00:00Z"},
        {},
    ],
)
def test_what_cannot_be_read_is_left_as_it_is(fields: dict[str, object]) -> None:
    assert shifted(fields, Arrival(IMPORTER, "test", NOW)) == (fields, 0)


def test_the_event_s_own_sent_at_comes_first() -> None:
    arrival = Arrival(IMPORTER, "test", NOW, sent_at="2026-05-17T12:00:00+00:00")
    sent = {"occurred_at": "2026-05-17T09:00:00Z", "sent_at": "2026-05-17T10:00:00Z"}
    moved, seconds = shifted(sent, arrival)
    assert seconds == 7200
    assert moved["occurred_at"] == "2026-05-17T11:00:00+00:00"
    assert moved["props"] == {"_clock_skew_seconds": 7200}
    assert sent["occurred_at"] == "2026-05-17T09:00:00Z", "the event that was sent is not touched"


def test_over_http(api: httpx.Client, connection: psycopg.Connection) -> None:
    now = datetime.now(UTC)
    ahead = now + timedelta(hours=3)
    answer = send(
        api,
        event(occurred_at=(ahead - timedelta(minutes=1)).isoformat(), props={"title": "t"}),
        event(occurred_at=None),
        sent_at=ahead.isoformat(),
    )
    assert answer["accepted"] == 2, "3 h in the future before the shift, a minute ago after it"
    skewed, unskewed = answer["results"]
    assert skewed["clock_skew_seconds"] == -10_800
    assert "clock_skew_seconds" not in unskewed
    found = rows(
        connection,
        "select props_json, abs(extract(epoch from received_at - occurred_at) - 60) < 45"
        " from raw.events where event_id = %s",
        skewed["event_id"],
    )
    assert found == [({"title": "t", "_clock_skew_seconds": -10_800}, True)]
    right = send(api, event(), sent_at=now.isoformat())
    assert "clock_skew_seconds" not in right["results"][0]
