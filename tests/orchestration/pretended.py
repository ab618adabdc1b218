"""Builds without dbt: what Python notes of them, and tables that stand for the marts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import jinja2
import psycopg

from eventmill.core.database import BUILD_LOCK, advisory_lock
from eventmill.core.days import DayWindow
from tests.support import PROJECT_ROOT

MARTS = """
create schema marts;
create schema intermediate;
create table marts.build_receipts (
    date date, built_at timestamptz default clock_timestamp(), build_id uuid, definition text,
    watermark timestamptz, parser_version text, events bigint, bot_events bigint, counted bigint,
    duplicates bigint, late bigint
);
{daily_builds}
create view intermediate.int_events as
select *, true as is_counted from raw.events;
create table marts.sessions (visitor_id text, started_at timestamptz);
"""


MODELS = PROJECT_ROOT / "dbt_project" / "models" / "marts"


def make_marts(connection: psycopg.Connection) -> None:
    """Empty tables where dbt would make the marts; which days are built is asked as dbt does."""
    connection.execute(MARTS.replace("{daily_builds}", daily_builds()).encode())


def daily_builds() -> str:
    """A statement that makes the production's view of built days, as the model has it."""
    model = (MODELS / "daily_builds.sql").read_text()
    query = (
        jinja2.Environment(autoescape=False)
        .from_string(model)
        .render(
            config=lambda **_: "",
            ref=lambda name: f"marts.{name}",
            source=lambda schema, name: f"{schema}.{name}",
            target={"name": "prod"},
        )
    )
    return f"create view marts.daily_builds as {query};"


@contextmanager
def building(connection: psycopg.Connection, first: date, last: date) -> Iterator[object]:
    """A build of these days that has begun; the block says how it ends."""
    from orchestration.building import receipts

    with advisory_lock(connection, BUILD_LOCK):
        order = receipts.Order("run", "run", DayWindow(first, last))
        yield receipts.begin(connection, order)


def build(connection: psycopg.Connection, first: date, last: date | None = None) -> None:
    """Build these days, successfully."""
    from orchestration.building import receipts

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
