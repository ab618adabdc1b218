"""Builds without dbt: what Python notes of them, and tables that stand for the marts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg

from eventmill.core.database import advisory_lock
from eventmill.core.days import DayWindow

MARTS = """
create schema marts;
create schema intermediate;
create table marts.build_receipts (
    date date, built_at timestamptz default clock_timestamp(), build_id uuid, definition text,
    watermark timestamptz
);
create view marts.daily_builds as
select distinct on (receipts.date) receipts.*
from marts.build_receipts as receipts
left join enrichment.builds as builds on receipts.build_id = builds.build_id
where
    (receipts.build_id is null or builds.finished_at is not null)
    and receipts.date not in (select day from enrichment.replaced_days)
order by receipts.date, receipts.built_at desc;
create view intermediate.int_events as
select *, true as is_counted from raw.events;
create table marts.sessions (visitor_id text, started_at timestamptz);
"""


def make_marts(connection: psycopg.Connection) -> None:
    """Empty tables where dbt would make the marts."""
    connection.execute(MARTS)


@contextmanager
def building(connection: psycopg.Connection, first: date, last: date) -> Iterator[object]:
    """A build of these days that has begun; the block says how it ends."""
    from orchestration.defs.builds import receipts
    from orchestration.defs.dbt.invocation import BUILD_LOCK

    with advisory_lock(connection, BUILD_LOCK):
        order = receipts.Order("run", "run", DayWindow(first, last))
        yield receipts.begin(connection, order)


def build(connection: psycopg.Connection, first: date, last: date | None = None) -> None:
    """Build these days, successfully."""
    from orchestration.defs.builds import receipts

    with building(connection, first, last or first) as begun:
        assert isinstance(begun, receipts.Build)
        connection.execute(
            "insert into marts.build_receipts (date, build_id, definition, watermark)"
            " select day::date, build_id, 'definition', watermark"
            " from enrichment.builds, generate_series(first_day, last_day, '1 day') as day"
            " where build_id = %s",
            (begun.build_id,),
        )
        receipts.finish(connection, begun)


def touch(connection: psycopg.Connection, day: date, events: int = 1) -> None:
    """What a commit of the ingest service notes of a day."""
    connection.execute(
        "insert into raw.touched_days as known (day, writer, last_xid, events)"
        " values (%s, pg_backend_pid(), pg_current_xact_id(), %s)"
        " on conflict (day, writer) do update set last_xid = excluded.last_xid,"
        " touched_at = excluded.touched_at, events = known.events + excluded.events",
        (day, events),
    )
