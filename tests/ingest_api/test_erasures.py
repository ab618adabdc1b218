"""What was received before somebody was erased does not land later, however it comes."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.core.errors import Unavailable
from ingest_api.replay import replay
from tests.ingest_api.support import event, is_settled, send, served, statuses
from tests.ingest_api.test_durability import database_away
from tests.privacy.support import ANN, BOB, DEVICES, erase_now, places
from tests.support import environment, rows, scalar, wait_until

WHO = "select coalesce(actor_id, anonymous_id) from raw.events order by 1"


def sent(name: str, **fields: object) -> dict[str, object]:
    return event(anonymous_id=None, actor_type="user", actor_id=name, **fields)


def test_spooled_events_of_an_erased_person_do_not_land(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """The person has a device that only the spool knows of, and is erased before it is drained."""
    with environment(EVENTMILL_RETENTION_DAYS="0", EVENTMILL_SPOOL_DIR=str(tmp_path)):
        with served() as api:
            send(api, sent(ANN), event(anonymous_id=DEVICES[0], user_id=ANN), sent(BOB))
            with database_away(database, connection):
                send(
                    api,
                    sent(ANN),
                    event(anonymous_id=DEVICES[0]),
                    event(anonymous_id=DEVICES[1]),
                    sent(ANN, event_type="page_viewed") | {"anonymous_id": DEVICES[1]},
                    sent(BOB) | {"anonymous_id": DEVICES[0]},
                    {"event_type": "no such type", "actor_type": "user", "actor_id": ANN},
                )
        # The service is down: what waits, waits on the disk.
        erase_now(database, ANN)
        assert rows(connection, WHO) == [(BOB,)]
        with served() as api:
            wait_until(lambda: is_settled(api.get("/readyz").json()))
            assert rows(connection, WHO) == [(BOB,), (BOB,)]
            assert places(connection, [ANN, *DEVICES]) == []
            # Who comes now is somebody new.
            assert statuses(send(api, sent(ANN))) == ["accepted"]
    assert rows(connection, WHO) == [(ANN,), (BOB,), (BOB,)]


def test_without_the_key_events_wait(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Nobody can tell whose they are; with the key they come out, without the erased person's."""
    with environment(EVENTMILL_RETENTION_DAYS="0", EVENTMILL_SPOOL_DIR=str(tmp_path)):
        with ExitStack() as away, served() as api:
            # The service has ended when the database is back.
            away.enter_context(database_away(database, connection))
            send(api, sent(ANN), sent(BOB))
        with environment(EVENTMILL_ERASURE_KEY="k" * 40):
            erase_now(database, ANN)
        with served() as api:
            wait_until(lambda: api.get("/readyz").json()["status"] == "ready")
            assert api.get("/readyz").json()["spool"]["events"] == 2
        with environment(EVENTMILL_ERASURE_KEY="k" * 40), served() as api:
            wait_until(lambda: is_settled(api.get("/readyz").json()))
    assert rows(connection, WHO) == [(BOB,)]


def test_a_replay_brings_nobody_back(
    database: str, connection: psycopg.Connection, api: httpx.Client
) -> None:
    """Of a refused event that a replay has read already when its person is erased."""
    refused = {"event_type": "license_created", "props": {"revenue_cents": "7"}}
    send(api, sent(ANN, **refused), sent(BOB, **refused), status=422)
    connection.execute(b"""update raw.rejected_events set event = replace(event, '"7"', '7')""")
    kept = rows(connection, "select * from raw.rejected_events where event like %s", f"%{ANN}%")
    assert erase_now(database, ANN).removed == {"raw.rejected_events": 1}
    assert len(kept) == 1
    connection.execute(
        "insert into raw.rejected_events (event_id, received_at, key_id, sender, route, event,"
        " context, errors) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [json.dumps(v) if isinstance(v, dict | list) else v for v in kept[0][1:9]],
    )
    assert asyncio.run(replay(database)) == {"accepted": 1, "dropped": 1}
    assert rows(connection, WHO) == [(BOB,)]


def test_an_event_on_its_way_does_not_survive_its_person(
    database: str, connection: psycopg.Connection, api: httpx.Client
) -> None:
    """It waits for a lock while the erasure begins, and is stored before that ends, or after."""
    send(api, sent(ANN))
    with connect(database) as blocker, ThreadPoolExecutor() as threads:
        blocker.execute("lock table raw.event_ids in share mode")
        answer = threads.submit(send, api, sent(ANN), sent(BOB))
        wait_until(lambda: scalar(connection, WAITING, "eventmill-ingest") == 1)
        erasure = threads.submit(erase_now, database, ANN)
        wait_until(lambda: scalar(connection, WAITING, "%") >= 2)
        blocker.rollback()
        answer.result(60)
        erasure.result(60)
        wait_until(lambda: is_settled(api.get("/readyz").json()))
    assert rows(connection, WHO) == [(BOB,)]


WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and application_name like %s and wait_event_type = 'Lock'
"""


def test_a_killed_erasure_has_erased_nothing(
    database: str, connection: psycopg.Connection, api: httpx.Client
) -> None:
    send(api, sent(ANN), event(anonymous_id=DEVICES[0], user_id=ANN))
    before = _everything(connection)
    with connect(database) as blocker, ThreadPoolExecutor() as threads:
        # It has deleted everything and cannot yet end.
        blocker.execute("lock table raw.erased_subjects in access share mode")
        erasure = threads.submit(erase_now, database, ANN)
        wait_until(lambda: scalar(connection, KILL) == 1)
        with pytest.raises(psycopg.OperationalError):
            erasure.result(60)
    assert _everything(connection) == before
    assert erase_now(database, ANN).removed["raw.events"] == 2


KILL = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and application_name = '' and wait_event_type = 'Lock'
"""


def _everything(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    tables = "events", "event_ids", "identities", "touched_days", "erased_subjects"
    return [
        (table, *rows(connection, f"select t::text from raw.{table} as t order by 1"))
        for table in tables
    ] + rows(connection, "select * from ops.erasures")


def test_it_waits_for_a_build_and_not_for_ever(
    database: str, connection: psycopg.Connection
) -> None:
    with connect(database, autocommit=True) as building:
        building.execute("select pg_advisory_lock(hashtextextended('eventmill.build', 0))")
        with pytest.raises(Unavailable, match="being built"):
            erase_now(database, ANN, build_seconds=0.2)
    assert erase_now(database, ANN, build_seconds=20).removed == {}
