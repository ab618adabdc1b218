"""The spool: what it keeps, in which order, how large it gets, and what comes out of it."""

import asyncio
import sqlite3
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from eventmill.core.registry import EventRow
from ingest_api.batch import Batch, RejectedRow, decode
from ingest_api.identities import Link
from ingest_api.rejected import row_as_event
from ingest_api.replay import replay
from ingest_api.spool import Spool, SpoolUnavailable
from ingest_api.spool_file import SpoolFile
from tests.ingest_api.support import event, is_settled, send, served, statuses
from tests.ingest_api.test_durability import database_away
from tests.support import environment, rows, scalar, wait_until

MB = 2**20


def row(event_id: str, **values: str) -> EventRow:
    empty = EventRow(*[""] * len(EventRow._fields))
    return empty._replace(event_id=event_id, props_json="{}", **values)


@pytest.fixture
def file(tmp_path: Path) -> SpoolFile:
    return SpoolFile(tmp_path / "spool" / "events.sqlite3", 2 * MB)


def test_what_comes_first_goes_first(file: SpoolFile) -> None:
    for number in range(10):
        file.append(str(number).encode(), 3)
    first = file.first_after(0, 7)
    assert [body for _, body in first] == [b"0", b"1"]
    assert [body for _, body in file.first_after(0, 1)] == [b"0"], "at least one"
    file.remove(first[-1][0])
    assert file.first_after(0, 1)[0][1] == b"2"
    assert (file.state().events, file.state().batches) == (24, 8)
    assert 0 <= time.time() - (file.state().oldest_at or 0) < 60


def test_a_batch_reads_as_it_was_written_and_from_an_older_version() -> None:
    batch = Batch(
        [row("a", country="DE", page_url="https://x.example/ü\t\n")],
        [RejectedRow("b", "2015-05-17T12:00:00+00:00", "", "{}", "r", '"\\ud800"', "{}", "[]")],
        [Link("anonymous", "user", "2015-05-17T12:00:00+00:00", "", "web", 3)],
    )
    assert decode(batch.encode()) == batch
    older = batch.encode().replace(b',"country","trust"]', b"]").replace(b',"DE",""]', b"]")
    # Before there were classes of trust, all counted as a server's word.
    assert decode(older).rows == [batch.rows[0]._replace(country="", trust="3")]


def test_halves_hold_everything_once() -> None:
    batch = Batch(
        [row(str(number)) for number in range(3)],
        [RejectedRow(*[str(number)] * 8) for number in range(4)],
        [Link(str(number), "", "") for number in range(2)],
    )
    waiting, single = [batch], []
    while waiting:
        one = waiting.pop(0)
        if len(one) == 1:
            single.append(one)
        else:
            waiting += one.halves()
    assert sorted((len(s.rows), len(s.rejected), len(s.links)) for s in single) == (
        [(0, 0, 1)] * 2 + [(0, 1, 0)] * 4 + [(1, 0, 0)] * 3
    )
    assert {r.event_id for s in single for r in s.rows} == {"0", "1", "2"}


def test_the_limit_holds_and_space_comes_back(file: SpoolFile) -> None:
    for _ in range(15):
        file.append(b"x" * 100_000, 1)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        file.append(b"x" * MB, 1)
    assert file.state().events == 15
    while found := file.first_after(0, 5):
        file.remove(found[-1][0])
    file.shrink()
    assert file.state().events == 0
    assert file.path.stat().st_size < MB / 10
    file.append(b"x", 1)


def test_it_survives_the_end_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite3"
    one, other = SpoolFile(path, MB), SpoolFile(path, MB)
    one.append(b"from one", 1)
    assert other.has_after(0)
    other.append(b"from the other", 1)
    # Not closed: as a killed process leaves it.
    assert [b for _, b in SpoolFile(path, MB).first_after(0, 9)] == [b"from one", b"from the other"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_salt_is_one_for_all_and_is_overwritten(tmp_path: Path) -> None:
    one, other = (SpoolFile(tmp_path / "events.sqlite3", MB) for _ in range(2))
    salt = b"only-for-this-test-0123456789abc"
    assert one.salt("2015-05-17", None) is None
    assert one.salt("2015-05-17", salt) == other.salt("2015-05-17", b"another") == salt
    other.destroy_salts(time.time())
    assert one.salt("2015-05-17", None) is None
    one.close()
    other.close()
    for file in tmp_path.iterdir():
        assert salt not in file.read_bytes(), file


async def _use_damaged(folder: Path) -> None:
    spool = Spool(folder, MB)
    assert spool.is_empty()
    with pytest.raises(SpoolUnavailable):
        await spool.append(Batch([row("a")]))
    assert not spool.can_take
    await spool.close()


def test_a_damaged_file_is_left_alone_and_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite3").write_bytes(b"this is no database" * 1000)
    asyncio.run(_use_damaged(tmp_path))
    assert (tmp_path / "events.sqlite3").read_bytes().startswith(b"this is no database")


def test_a_row_reads_as_the_event_that_it_was() -> None:
    assert row_as_event(
        row(
            "a",
            event_type="page_viewed",
            actor_id="u",
            utm_source="x",
            page_url="https://p",
            country="DE",
        )
    ) == {
        "event_id": "a",
        "event_type": "page_viewed",
        "actor_id": "u",
        "props": {},
        "context": {"page_url": "https://p", "utm": {"source": "x"}},
    }


def test_events_wait_in_the_spool_and_come_out_in_order(
    database: str, connection: psycopg.Connection
) -> None:
    """Also refused events, links, and visitors whose day's salt was made meanwhile."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        send(api, event(event_id="before"))
        with database_away(database, connection):
            sent = [event(event_id=f"e-{number}") for number in range(50)]
            assert statuses(send(api, *sent)) == ["accepted"] * 50
            assert send(api, event(event_id="before"), sent[0])["accepted"] == 2
            unknown = event(event_id="unknown", anonymous_id=None)
            again = event(event_id="again", anonymous_id=None)
            assert send(api, unknown, again, event(event_type="nope"))["rejected"] == 1
            link = event(anonymous_id="a-1", actor_type="user", actor_id="u-1")
            assert send(api, link)["accepted"] == 1
            found = api.get("/readyz").json()
            assert found["status"] == "spooling"
            assert found["spool"]["events"] == 55
            assert "eventmill_ingest_spool_events 55.0" in api.get("/metrics").text
        wait_until(lambda: is_settled(api.get("/readyz").json()))
        assert "eventmill_ingest_spool_events 0.0" in api.get("/metrics").text
        found = rows(connection, "select visitor_id from raw.events where anonymous_id is null")
        assert len(set(found)) == 1
        later = event(anonymous_id=None)
        send(api, later)
        found = rows(connection, "select visitor_id from raw.events where anonymous_id is null")
        assert (len(found), len(set(found))) == (3, 1), "the day's salt was handed over"
    assert scalar(connection, "select count(*) from raw.events") == 55
    assert scalar(connection, "select count(*) from raw.event_ids") == 55
    assert scalar(connection, "select count(*) from raw.rejected_events") == 1
    assert scalar(connection, "select user_id from raw.identities") == "u-1"
    assert scalar(connection, "select count(*) from raw.visitor_salts") == 2, "2015 and today"


def test_what_the_database_refuses_at_last_is_kept_as_rejected(
    database: str, connection: psycopg.Connection
) -> None:
    """A replay stores it in the class that it arrived with."""
    with environment(EVENTMILL_RETENTION_DAYS="0"), served("publishable") as api:
        send(api, event())
        connection.execute("alter table raw.events add constraint odd check (session_id <> 'odd')")
        with database_away(database, connection):
            sent = [event(session_id="odd" if number == 3 else "even") for number in range(10)]
            assert send(api, *sent)["accepted"] == 10
        wait_until(lambda: is_settled(api.get("/readyz").json()))
    assert scalar(connection, "select count(*) from raw.events") == 10
    ((kept, errors),) = rows(connection, "select event, errors from raw.rejected_events")
    assert '"session_id":"odd"' in kept
    assert "violates check constraint" in errors[0]["message"]
    connection.execute("alter table raw.events drop constraint odd")
    with environment(EVENTMILL_RETENTION_DAYS="0"):
        assert asyncio.run(replay(database)) == Counter(accepted=1)
    assert rows(connection, "select distinct trust from raw.events") == [(1,)]
