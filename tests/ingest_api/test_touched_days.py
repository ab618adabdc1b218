"""Which days a commit touched: so that builds miss nothing, in whatever order commits end."""

import asyncio

import httpx
import psycopg

from eventmill.core.database import connect
from eventmill.core.registry import EventRow
from eventmill.core.settings import get_settings
from ingest_api.batch import Batch
from ingest_api.collisions import Met
from ingest_api.commits import Commits, Outcome
from ingest_api.drain import Drain
from ingest_api.metrics import Metrics
from ingest_api.partitions import Partitions
from ingest_api.spool import Spool
from ingest_api.store import STORE, parameters
from ingest_api.visitors import VisitorSalts
from tests.ingest_api.support import event, send, statuses
from tests.support import rows

TOUCHED = "select day::text, sum(events)::int from raw.touched_days group by 1 order by 1"
# What a build deletes when it is done: what its snapshot saw.
BUILT = "delete from raw.touched_days where pg_visible_in_snapshot(last_xid, %s::pg_snapshot)"
SNAPSHOT = "select pg_current_snapshot()::text"


def on(day: str, event_id: str, **fields: str) -> dict[str, object]:
    return event(event_id=event_id, occurred_at=f"{day}T23:59:59Z", **fields)


def row(day: str, event_id: str) -> EventRow:
    empty = EventRow(*[""] * len(EventRow._fields))
    times = {"occurred_at": f"{day}T12:00:00+00:00", "received_at": f"{day}T12:00:00+00:00"}
    return empty._replace(
        event_id=event_id, source="web", event_type="page_viewed", visitor_id="v",
        props_json="{}", trust="3", **times,
    )  # fmt: skip


def number(value: int) -> str:
    return f"00000000-0000-4000-8000-{value:012}"


def test_days_of_new_events_and_not_of_duplicates(
    api: httpx.Client, connection: psycopg.Connection
) -> None:
    send(api, on("2015-05-18", "c"), on("2015-05-17", "a"), on("2015-05-17", "b"))
    assert rows(connection, TOUCHED) == [("2015-05-17", 2), ("2015-05-18", 1)]
    send(api, on("2015-05-17", "d"))
    assert rows(connection, TOUCHED) == [("2015-05-17", 3), ("2015-05-18", 1)]
    connection.execute("delete from raw.touched_days")
    # An id is stored once, whatever day its retry claims.
    answer = send(api, on("2015-05-17", "a"), on("2015-05-19", "b"), on("2015-05-20", "e"))
    assert statuses(answer) == ["duplicate", "duplicate", "accepted"]
    assert rows(connection, TOUCHED) == [("2015-05-20", 1)]


def test_values_that_hold_the_separators(database: str, connection: psycopg.Connection) -> None:
    """They are stored as they are, and the rows beside them too."""
    odd = [
        row("2015-05-17", number(1))._replace(source="a\x1fb", session_id="\x1e"),
        row("2015-05-17", number(2))._replace(source="a\tb\\N", session_id="\n"),
    ]

    async def store() -> list[Outcome]:
        commits = Commits(database, Partitions(), Metrics())
        outcomes = await commits.commit(Batch([*odd, odd[0]]), 30)
        await commits.close()
        return outcomes

    assert asyncio.run(store()) == [True, True, Met(number(1), is_new=False)]
    found = rows(connection, "select source, session_id, user_id from raw.events order by event_id")
    assert found == [("a\x1fb", "\x1e", None), ("a\tb\\N", "\n", None)]


def test_one_row_for_each_writer_and_day(api: httpx.Client, connection: psycopg.Connection) -> None:
    for name in "abc":
        send(api, on("2015-05-17", name))
    query = "select events, last_xid = (select max(xmin::text)::xid8 from raw.events) from raw."
    assert rows(connection, query + "touched_days") == [(3, True)]


def test_a_build_misses_nothing_of_transactions_that_end_out_of_order(
    database: str, connection: psycopg.Connection
) -> None:
    """The first begins before a build's snapshot and ends after it; the second ends before it."""
    connection.execute("select raw.ensure_partition('2015-05-17')")
    with connect(database) as first, connect(database) as second:
        for writer, event_id in ((first, 1), (second, 2)):
            writer.execute(STORE, parameters([row("2015-05-17", number(event_id))]))
        second.commit()
        ((snapshot,),) = rows(connection, SNAPSHOT)
        assert rows(connection, "select count(*) from raw.events") == [(1,)]
        first.commit()
    assert connection.execute(BUILT, (snapshot,)).rowcount == 1
    assert rows(connection, TOUCHED) == [("2015-05-17", 1)]
    ((snapshot,),) = rows(connection, SNAPSHOT)
    assert connection.execute(BUILT, (snapshot,)).rowcount == 1


def test_writers_of_one_day_do_not_wait_for_each_other(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("select raw.ensure_partition('2015-05-17')")
    with connect(database) as first, connect(database) as second:
        second.execute("set lock_timeout = '5s'")
        for round_ in (0, 10):
            for writer, event_id in ((first, 1), (second, 2)):
                writer.execute(STORE, parameters([row("2015-05-17", number(round_ + event_id))]))
            first.commit()
            second.commit()
    assert rows(connection, "select events from raw.touched_days") == [(2,), (2,)]


def test_what_comes_out_of_the_spool_touches(database: str, connection: psycopg.Connection) -> None:
    async def through_the_spool() -> None:
        settings = get_settings()
        spool = Spool(settings.spool_folder, settings.spool_max_mb * 2**20)
        commits = Commits(database, Partitions(), Metrics())
        await spool.append(Batch([row("2015-05-17", number(1)), row("2015-05-18", number(2))]))
        # Put in twice, as by a sender that was not answered.
        await spool.append(Batch([row("2015-05-18", number(2))]))
        try:
            await Drain(spool, commits, VisitorSalts(None, spool)).once()
        finally:
            await commits.close()
            await spool.close()

    asyncio.run(through_the_spool())
    assert rows(connection, TOUCHED) == [("2015-05-17", 1), ("2015-05-18", 1)]
