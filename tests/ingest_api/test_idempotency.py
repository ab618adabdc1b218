"""An event id is stored once: whatever its day, whoever sends it, however many at once."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg

from tests.ingest_api.support import event, send, served, statuses
from tests.support import environment, scalar


def test_across_days(api: httpx.Client, connection: psycopg.Connection) -> None:
    first = send(api, event(event_id="e", occurred_at="2015-05-17T23:59:59Z"))
    again = send(api, event(event_id="e", occurred_at="2015-05-18T00:00:01Z"))
    assert statuses(first) + statuses(again) == ["accepted", "duplicate"]
    assert first["results"][0]["event_id"] == again["results"][0]["event_id"]
    assert scalar(connection, "select max(occurred_at)::date::text from raw.events") == "2015-05-17"


def test_across_concurrent_requests_to_several_processes(
    database: str, connection: psycopg.Connection
) -> None:
    """Two services on one database get the same ids, in different orders, at the same time."""
    ids = [str(uuid.uuid4()) for _ in range(300)]
    batches = []
    for seed in range(12):
        random.Random(seed).shuffle(ids)
        batches.append([event(event_id=event_id) for event_id in ids])
    with (
        environment(EVENTMILL_RETENTION_DAYS="0"),
        served() as one,
        served() as other,
        ThreadPoolExecutor(12) as threads,
    ):
        answers = list(threads.map(lambda n: send((one, other)[n % 2], *batches[n]), range(12)))
    assert sum(answer["accepted"] for answer in answers) == 300
    assert sum(answer["duplicate"] for answer in answers) == 11 * 300
    assert scalar(connection, "select count(*) from raw.events") == 300
    assert scalar(connection, "select count(distinct event_id) from raw.events") == 300


def test_several_processes_make_the_same_new_days(
    database: str, connection: psycopg.Connection
) -> None:
    days = [f"2014-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    batch = [event(occurred_at=f"{day}T00:00:00Z") for day in days]
    with (
        environment(EVENTMILL_RETENTION_DAYS="0"),
        served() as one,
        served() as other,
        ThreadPoolExecutor(8) as threads,
    ):
        answers = list(threads.map(lambda n: send((one, other)[n % 2], *batch), range(8)))
    assert [answer["accepted"] for answer in answers] == [len(days)] * 8
    assert scalar(connection, "select count(*) from raw.events") == 8 * len(days)


def test_an_event_that_was_deleted_can_be_sent_again(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    assert send(api, event(event_id="e"))["accepted"] == 1
    connection.execute("delete from raw.events")
    assert send(api, event(event_id="e"))["accepted"] == 1
