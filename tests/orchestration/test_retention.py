"""Raw events end after the retention period; what is not safe in the marts stays."""

import threading
from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.core.days import ONE_DAY, utc_today
from eventmill.core.settings import get_settings
from orchestration.defs.retention import queries
from orchestration.defs.retention.job import retention
from tests.orchestration.support import add_event
from tests.support import environment, scalar, wait_until

DAYS = 10
TODAY = utc_today()
OLD, OLDER, LATEST = (TODAY - timedelta(days=n) for n in (DAYS + 1, DAYS + 2, DAYS))

EXPORTED = """
insert into ops.exported_days (
    destination, table_name, day, build, exported_at, built_at, rows, bytes, schema_version
)
select %s, 'events', date, 'build', now(), built_at, 1, 1, 1
from marts.daily_builds where date = %s
"""


@pytest.fixture(autouse=True)
def built(connection: psycopg.Connection) -> Iterator[None]:
    """Three days of an event each, all of them built."""
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.daily_builds"
        " (date date primary key, built_at timestamptz not null default now())"
    )
    for day in (OLD, OLDER, LATEST):
        add_event(connection, day)
        connection.execute("insert into marts.daily_builds (date) values (%s)", (day,))
        connection.execute(EXPORTED, (get_settings().warehouse_location, day))
    with environment(EVENTMILL_RETENTION_DAYS=str(DAYS)):
        yield


def run() -> str:
    """What the failed run says, or nothing if it did not fail."""
    result = retention.execute_in_process(raise_on_error=False)
    if result.success:
        return ""
    [failure] = [event for event in result.all_events if event.is_step_failure]
    return str(failure.step_failure_data.user_failure_data.description)


def days(connection: psycopg.Connection) -> list[date]:
    rows = connection.execute(
        "select (occurred_at at time zone 'UTC')::date from raw.events order by 1"
    ).fetchall()
    return [day for (day,) in rows]


def test_old_days_go_with_their_ids_and_the_marts_stay(connection: psycopg.Connection) -> None:
    assert run() == ""
    assert days(connection) == [LATEST]
    assert scalar(connection, "select count(*) from raw.event_ids") == 1
    assert scalar(connection, "select count(*) from marts.daily_builds") == 3
    dropped = connection.execute("select day, events from raw.dropped_days order by day")
    assert dropped.fetchall() == [(OLDER, 1), (OLD, 1)]
    assert queries.partitions_before(connection, LATEST) == []
    assert run() == ""


def test_nothing_goes_when_everything_is_kept(connection: psycopg.Connection) -> None:
    with environment(EVENTMILL_RETENTION_DAYS="0"):
        assert run() == ""
    assert days(connection) == [OLDER, OLD, LATEST]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("delete from marts.daily_builds where date = %s", "is not built"),
        (
            "insert into raw.touched_days (day, writer, last_xid, events)"
            " values (%s, 1, pg_current_xact_id(), 1)",
            "has events that came after its build",
        ),
        (
            "insert into enrichment.days_to_rebuild (day, reason) values (%s, 'a new bot')",
            "waits to be built again",
        ),
        (
            "update marts.daily_builds set built_at = now() + interval '1 hour' where date = %s",
            "is not exported to the warehouse",
        ),
    ],
)
def test_a_day_that_the_marts_do_not_hold_stays_and_the_run_says_so(
    connection: psycopg.Connection, statement: str, reason: str
) -> None:
    connection.execute(statement.encode(), (OLD,))
    assert run() == f"1 days older than {DAYS} days are kept: {OLD} {reason}"
    assert days(connection) == [OLD, LATEST]


def test_without_exports_none_is_waited_for(connection: psycopg.Connection) -> None:
    connection.execute("delete from ops.exported_days")
    with environment(EVENTMILL_WAREHOUSE_EXPORT="no"):
        assert run() == ""
    assert days(connection) == [LATEST]


def test_an_empty_partition_needs_no_build(connection: psycopg.Connection) -> None:
    connection.execute("select raw.ensure_partition(%s)", (OLDER - ONE_DAY,))
    assert run() == ""
    assert queries.partitions_before(connection, LATEST) == []


def test_a_killed_run_is_finished_by_the_next(connection: psycopg.Connection) -> None:
    first, second = queries.partitions_before(connection, LATEST)
    names = {"partition": first.name}
    connection.execute(psycopg.sql.SQL(queries.FORGET_IDS).format(**names), {"day": first.day})
    connection.execute(
        psycopg.sql.SQL("alter table raw.events detach partition raw.{}").format(second.name)
    )
    assert run() == ""
    assert days(connection) == [LATEST]
    assert queries.partitions_before(connection, LATEST) == []
    # Its name is free again: an import of old logs can bring the day back.
    assert scalar(connection, f"select raw.ensure_partition('{second.day}')") is True


def test_readers_do_not_stop_it_and_are_not_stopped(
    database: str, connection: psycopg.Connection
) -> None:
    """Somebody reads all events in a transaction that stays open while the job wants to start."""
    with connect(database) as reader:
        reader.execute("select count(*) from raw.events")
        job = threading.Thread(target=run)
        job.start()
        waiting = (
            "select count(*) from pg_stat_activity where application_name = 'eventmill retention'"
            " and wait_event_type = 'Lock'"
        )
        wait_until(lambda: scalar(connection, waiting) or not job.is_alive())
        assert job.is_alive()
        # Others still read and write beside the job that waits.
        assert len(days(connection)) >= 1
        add_event(connection, LATEST)
        reader.rollback()
    job.join()
    assert days(connection) == [LATEST, LATEST]
