"""Who is erased goes from the files: of days that are built, that wait, and that raw has lost."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pyarrow.parquet as pq
import pytest

from eventmill.core.database import connect, database_url
from eventmill.core.days import ONE_DAY, DayWindow
from eventmill.core.errors import EventmillError
from eventmill.privacy.audit import Operator
from eventmill.privacy.erase import erase
from eventmill.warehouse import days, files, manifest, open_root, table_named, tables
from eventmill.warehouse.erasing import erase_waiting
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for, pseudonyms_of
from orchestration.defs.retention import queries
from tests.orchestration.support import add_event
from tests.support import environment, rows, scalar
from tests.warehouse.conftest import BUILT, FIRST

ID = "user-77aa"
SECOND, LAST = FIRST + ONE_DAY, BUILT.last


@pytest.fixture(scope="module")
def world(built: psycopg.Connection) -> psycopg.Connection:
    """The person is on the first and the second day; on the last somebody's page names them."""
    from orchestration.backfill import run_backfill

    person = {"actor_type": "user", "actor_id": ID, "visitor_id": ID, "anonymous_id": "browser-1"}
    add_event(built, SECOND, **person)
    friend = {"actor_type": "user", "actor_id": "friend", "visitor_id": "friend"}
    add_event(built, SECOND, user_id=ID, **friend)
    add_event(built, LAST, page_url=f"https://m.example/people/{ID}/works", **friend)
    assert run_backfill(DayWindow(SECOND, LAST)).errors == []
    return built


@pytest.fixture
def places(world: psycopg.Connection, tmp_path: Path) -> Iterator[dict[str, str]]:
    """All days in two warehouses, of which one has the ids as they are."""
    found = {"hashed": str(tmp_path / "hashed"), "plain": str(tmp_path / "plain")}
    for name, place in found.items():
        yes_or_no = "no" if name == "plain" else "yes"
        with environment(EVENTMILL_WAREHOUSE_PSEUDONYMISE=yes_or_no):
            for day in BUILT:
                root = open_root(place)
                export_day(world, root, day, tables(), pseudonyms_for(root.url))
    with environment(EVENTMILL_WAREHOUSE_URL=found["hashed"]):
        yield found


def texts(place: str, day: date) -> str:
    """All that the files of a day hold, as text."""
    root = open_root(place)
    held = [
        pq.read_table(file).to_pylist() for table in tables() for file in files(root, table, day)
    ]
    return repr(held)


def rows_of(place: str, table: str, day: date) -> int:
    return manifest(open_root(place), table_named(table), day).rows


async def _erase() -> None:
    connection = await psycopg.AsyncConnection.connect(database_url(), autocommit=True)
    async with connection:
        await erase(connection, ID, Operator("tester"))


def test_files_of_a_lost_key_are_not_said_to_be_done(
    world: psycopg.Connection, places: dict[str, str]
) -> None:
    world.execute(
        "insert into ops.warehouse_erasures values (gen_random_uuid(), %s, now(), %s, %s)",
        (places["hashed"], ["x"], [SECOND]),
    )
    with (
        environment(EVENTMILL_WAREHOUSE_KEY="another key of another warehouse"),
        connect(autocommit=True) as connection,
        pytest.raises(EventmillError, match="was exported with another EVENTMILL_WAREHOUSE_KEY"),
    ):
        erase_waiting(connection)
    assert scalar(world, "select count(*) from ops.warehouse_erasures") == 1
    world.execute("truncate ops.warehouse_erasures, ops.exported_days")


def test_an_erasure_reaches_every_file(world: psycopg.Connection, places: dict[str, str]) -> None:
    names = {place: pseudonyms_of(place).of(ID) for place in places.values()}
    names[places["plain"]] = ID
    for place, name in names.items():
        assert name in texts(place, FIRST)
        assert name in texts(place, SECOND)
        assert ID in texts(place, LAST)
    assert names[places["hashed"]] != pseudonyms_of(places["plain"]).of(ID)
    assert ID not in texts(places["hashed"], FIRST)
    events = {day: rows_of(places["hashed"], "events", day) for day in BUILT}

    # Of the first day only the files have the events any more.
    [first, *_] = queries.partitions_before(world, LAST)
    queries.drop(world, first)
    asyncio.run(_erase())
    assert scalar(world, "select count(*) from ops.warehouse_erasures") == 2

    from orchestration.definitions import defs

    result = (
        defs()
        .resolve_job_def("rewrite_erased")
        .execute_in_process(instance=dg.DagsterInstance.ephemeral())
    )
    assert result.output_for_node("rewrite_files") == 6
    assert rows(world, "select days, filtered from ops.warehouse_erasures") == [
        ([SECOND], [SECOND]),
        ([SECOND], [SECOND]),
    ]
    for place, name in names.items():
        for day in BUILT:
            assert name not in texts(place, day)
            assert ID not in texts(place, day)
        assert rows_of(place, "events", FIRST) == events[FIRST] - 3
        assert rows_of(place, "conversion_credits", FIRST) == 0
        # The friend's event stays, and names nobody.
        assert rows_of(place, "events", SECOND) == events[SECOND] - 1
        assert rows_of(place, "events", LAST) == events[LAST] == 1
        for table in tables():
            assert days(open_root(place), table) == list(BUILT)
    root = open_root(places["hashed"])
    filtered = manifest(root, table_named("events"), FIRST)
    assert filtered.erased_rows == 3
    with connect(autocommit=True) as connection:
        assert erase_waiting(connection) == 0

    # The second day waits to be built without the person, and is exported anew then.
    from orchestration.backfill import run_backfill

    assert run_backfill(DayWindow(SECOND, SECOND)).errors == []
    with connect(autocommit=True) as connection:
        assert erase_waiting(connection) == 2
    assert rows(world, "select from ops.warehouse_erasures") == []
    assert manifest(root, table_named("events"), SECOND).erased_rows == 0
