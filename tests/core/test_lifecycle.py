"""Lifecycle events are kept apart: written with the event, gone with it, and past the retention."""

import uuid
from datetime import date
from pathlib import Path

import psycopg

from tests.support import rows, scalar

DAY = date(2026, 5, 17)
KEPT = "select event_type from raw.lifecycle_events order by 1"
STORE = """
insert into raw.events (
    event_id, occurred_at, event_type, visitor_id, actor_type, actor_id, creator_id
)
values (%s, %s, %s, 'v', %s, %s, %s)
"""


def store(
    connection: psycopg.Connection,
    event_type: str,
    actor: tuple[str, str] | None = None,
    creator_id: str | None = None,
) -> uuid.UUID:
    connection.execute("select raw.ensure_partition(%s)", (DAY,))
    event_id = uuid.uuid4()
    actor_type, actor_id = actor or (None, None)
    connection.execute(
        STORE.encode(), (event_id, DAY, event_type, actor_type, actor_id, creator_id)
    )
    return event_id


def test_it_keeps_exactly_the_lifecycle_types(connection: psycopg.Connection) -> None:
    plan = [name for (name,) in rows(connection, "select event_type from raw.tracking_plan")]
    types = scalar(connection, "select rules.lifecycle_types()")
    assert set(types) <= set(plan)
    for name in plan:
        store(connection, name)
    assert [name for (name,) in rows(connection, KEPT)] == sorted(types)


def test_a_deleted_event_is_forgotten_and_a_dropped_partition_is_not(
    connection: psycopg.Connection,
) -> None:
    gone = store(connection, "asset_uploaded")
    store(connection, "project_created")
    connection.execute("delete from raw.events where event_id = %s", (gone,))
    assert rows(connection, KEPT) == [("project_created",)]
    connection.execute("drop table raw.events_20260517")
    assert rows(connection, KEPT) == [("project_created",)]
    connection.execute("truncate raw.events")
    assert rows(connection, KEPT) == []


def test_the_uploader_is_the_creator_who_acts_or_whom_another_names(
    connection: psycopg.Connection,
) -> None:
    def uploader(event_id: uuid.UUID) -> object:
        return scalar(
            connection, "select uploader from raw.lifecycle_events where event_id = %s", event_id
        )

    assert uploader(store(connection, "asset_uploaded", ("creator", "ana"), "ben")) == "ana"
    assert uploader(store(connection, "asset_uploaded", ("system", "app"), "ben")) == "ben"
    assert uploader(store(connection, "asset_uploaded", None, "ben")) == "ben"
    assert uploader(store(connection, "asset_approved", ("creator", "ana"), "ben")) is None


def test_events_from_before_are_copied(connection: psycopg.Connection) -> None:
    migration = Path(__file__).parents[2] / "eventmill/core/migrations/0016_lifecycle_events.sql"
    copied = migration.read_text().split("-- The condition")[1]
    event_id = store(connection, "license_created")
    connection.execute("delete from raw.lifecycle_events")
    statement = (
        "insert into raw.lifecycle_events" + copied.split("insert into raw.lifecycle_events")[1]
    )
    connection.execute(statement.split(";")[0].encode())
    assert rows(connection, "select event_id from raw.lifecycle_events") == [(event_id,)]
