"""What is acknowledged is stored, exactly once, whatever happens to the processes and the disk.

One PostgreSQL, one or two workers and six clients, for real. A client that gets no answer or 503
sends the same again; whatever was answered with 200 must be in raw.events once, and no answer may
be a 5xx other than 503.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventmill.core.database import connect
from tests.ingest_api.faults import Load, System, small_disk, stored
from tests.support import free_port


@pytest.fixture
def system(processes: None, tmp_path: Path) -> Iterator[System]:
    with System(tmp_path / "home", free_port()) as running:
        yield running


def assert_nothing_lost(system: System, load: Load) -> None:
    assert not load.unexpected, load.unexpected[:5]
    system.wait_until_stored()
    found = stored(system)
    assert load.acknowledged, load.answers
    missing = load.acknowledged - found.keys()
    assert not missing, f"{len(missing)} of {len(load.acknowledged)} were acknowledged and lost"
    assert set(found.values()) == {1}
    with connect(system.postgres.url) as connection:
        ids = connection.execute("select count(*) from raw.event_ids").fetchone()
    assert ids == (len(found),)


def test_nothing_is_lost_while_processes_die(system: System) -> None:
    system.workers = 2
    system.start_ingest()
    with Load(system) as load:
        load.wait_for()

        system.postgres.stop()
        load.wait_for()
        system.postgres.start()
        load.wait_for()

        system.kill_postgres()
        load.wait_for()
        system.postgres.start()
        load.wait_for()

        system.kill_ingest()
        system.start_ingest()
        load.wait_for()

        # Both: the service starts again while the database is away and events wait in the spool.
        system.kill_postgres()
        load.wait_for()
        system.kill_ingest()
        system.start_ingest()
        load.wait_for()
        assert (system.status() or {})["status"] == "spooling"
        system.postgres.start()
        load.wait_for()
    assert_nothing_lost(system, load)


def test_a_full_spool_refuses_and_recovers(system: System) -> None:
    system.spool_max_mb = 2
    system.start_ingest()
    with Load(system) as load:
        load.wait_for()
        system.postgres.stop()
        load.wait_for_refusals()
        system.postgres.start()
        load.wait_for()
    assert_nothing_lost(system, load)


def test_a_full_disk_refuses_and_recovers(system: System) -> None:
    prefix = small_disk(system.spool, 12)
    if prefix is None:
        pytest.skip("this machine lets us make no small disk; the test above fills the limit")
    system.prefix = prefix
    system.start_ingest()
    with Load(system) as load:
        load.wait_for()
        system.postgres.stop()
        load.wait_for_refusals()
        system.postgres.start()
        load.wait_for(3000)
    assert_nothing_lost(system, load)
