"""SQL of the retention job: which partitions are old, what keeps one, and how one goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

import psycopg
from psycopg import sql

from eventmill.core.partitions import PARTITION_DAY
from eventmill.core.relations import has_builds

# Partitions by their day. One that a killed run had detached is no part of raw.events any more, but
# its name is still taken.
PARTITIONS: LiteralString = """
select
    {day} as day,
    child.inhrelid is not null as is_attached,
    coalesce(child.inhdetachpending, false) as is_detaching
from pg_class as partition
left join pg_inherits as child
    on child.inhrelid = partition.oid and child.inhparent = 'raw.events'::regclass
where
    partition.relnamespace = 'raw'::regnamespace
    and partition.relkind = 'r'
    and partition.relname ~ '^events_\\d{8}$'
    and {day} < %(before)s
order by 1
""".replace("{day}", PARTITION_DAY)

BUILT: LiteralString = "select date from marts.daily_builds where date < %(before)s"
TOUCHED: LiteralString = "select distinct day from raw.touched_days where day < %(before)s"
ASKED: LiteralString = "select day from enrichment.days_to_rebuild where day < %(before)s"

EXPORTED: LiteralString = """
select builds.date
from marts.daily_builds as builds
inner join ops.exported_days as exported
    on builds.date = exported.day and builds.built_at = exported.built_at
where
    builds.date < %(before)s
    and exported.table_name = 'events'
    and exported.destination = %(destination)s
"""

HAS_EVENTS: LiteralString = "select exists (select from raw.{partition})"

FORGET_IDS: LiteralString = """
with dropped as (
    insert into raw.dropped_days (day, events)
    select %(day)s, count(*) from raw.{partition}
    on conflict (day) do update set events = excluded.events, dropped_at = now()
)

delete from raw.event_ids as known
using raw.{partition} as gone
where known.event_id = gone.event_id
"""
DETACH: LiteralString = "alter table raw.events detach partition raw.{partition} concurrently"
FINISH_DETACHING: LiteralString = "alter table raw.events detach partition raw.{partition} finalize"
DROP: LiteralString = "drop table raw.{partition}"


@dataclass(frozen=True, slots=True)
class Partition:
    """The table of one UTC day, on its way out if not attached."""

    day: date
    is_attached: bool
    is_detaching: bool

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier(f"events_{self.day:%Y%m%d}")


def partitions_before(connection: psycopg.Connection, before: date) -> list[Partition]:
    """Partitions of days before `before`, the oldest first."""
    rows = connection.execute(PARTITIONS, {"before": before}).fetchall()
    return [Partition(*row) for row in rows]


def kept_back(
    connection: psycopg.Connection,
    before: date,
    partitions: Sequence[Partition],
    destination: str | None,
) -> dict[date, str]:
    """The days of `partitions`, all of them before `before`, that may not go yet, and why.

    With a `destination` they have to be exported there, as they are built now.
    """
    parameters = {"before": before}
    built: set[date] = set()
    if has_builds(connection):
        built = {day for (day,) in connection.execute(BUILT, parameters)}
    exported = built
    if built and destination:
        names = {**parameters, "destination": destination}
        exported = {day for (day,) in connection.execute(EXPORTED, names)}
    touched = {day for (day,) in connection.execute(TOUCHED, parameters)}
    asked = {day for (day,) in connection.execute(ASKED, parameters)}
    reasons = {}
    for partition in partitions:
        day = partition.day
        if not partition.is_attached:
            continue  # a run that was killed had found it ready
        if day not in built and _has_events(connection, partition):
            reasons[day] = "is not built"
        elif day in touched:
            reasons[day] = "has events that came after its build"
        elif day in asked:
            reasons[day] = "waits to be built again"
        elif day in built and day not in exported:
            reasons[day] = "is not exported to the warehouse"
    return reasons


def _has_events(connection: psycopg.Connection, partition: Partition) -> bool:
    query = sql.SQL(HAS_EVENTS).format(partition=partition.name)
    return connection.execute(query).fetchone() == (True,)


def drop(connection: psycopg.Connection, partition: Partition) -> None:
    """Drop one day for good; `connection` is in autocommit mode.

    Never takes a lock on raw.events that readers or writers would notice. Killed at any point it is
    finished by the next run. The ids go first: they are found by the partition's rows.
    """
    names = {"partition": partition.name}
    if partition.is_detaching:
        connection.execute(sql.SQL(FINISH_DETACHING).format(**names))
    elif partition.is_attached:
        connection.execute(sql.SQL(FORGET_IDS).format(**names), {"day": partition.day})
        connection.execute(sql.SQL(DETACH).format(**names))
    connection.execute(sql.SQL(DROP).format(**names))
