"""Which days the warehouse has, and which it lacks, as recorded in the database."""

from datetime import date, datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from eventmill.core.relations import has_builds
from eventmill.core.settings import get_settings
from eventmill.warehouse.pseudonyms import pseudonyms_for
from eventmill.warehouse.tables import tables

HELD: LiteralString = """
select
    table_name as "table",
    count(*) as days,
    min(day)::text as first_day,
    max(day)::text as last_day,
    sum(rows)::bigint as rows,
    sum(bytes)::bigint as bytes,
    max(schema_version) as schema_version
from ops.exported_days
where destination = %(destination)s
group by table_name
order by array_position(%(tables)s::text [], table_name)
"""
# A build of a day makes what was exported of it old, and so does another key. Raw events that
# retention has dropped cannot be exported again, and need not: what they were is in the files.
STALE: LiteralString = """
select builds.date
from marts.daily_builds as builds
cross join unnest(%(tables)s::text []) as wanted (table_name)
left join ops.exported_days as exported
    on
        exported.destination = %(destination)s
        and wanted.table_name = exported.table_name
        and builds.date = exported.day
where
    (
        exported.built_at is distinct from builds.built_at
        or (exported.key_id is distinct from %(key_id)s and %(before)s::timestamptz is null)
    )
    and not (
        wanted.table_name = 'events'
        and builds.date in (select dropped.day from raw.dropped_days as dropped)
    )
    and (%(before)s::timestamptz is null or builds.built_at < %(before)s)
group by builds.date
order by builds.date
"""


def waiting_days(
    connection: psycopg.Connection, destination: str, before: datetime | None = None
) -> list[date]:
    """Built days whose last build is not exported, or with other pseudonyms than now; in order.

    With `before` only days that were built before that and are not exported since.
    """
    if not has_builds(connection):
        return []
    pseudonyms = pseudonyms_for(destination)
    parameters = {
        "key_id": pseudonyms.key_id if pseudonyms else None,
        "tables": [table.name for table in tables()],
        "destination": destination,
        "before": before,
    }
    return [day for (day,) in connection.execute(STALE, parameters)]


def report(connection: psycopg.Connection) -> dict[str, Any]:
    """Days, rows and bytes of each table, and the days that wait, as plain JSON."""
    settings = get_settings()
    location = settings.warehouse_location
    parameters = {"destination": location, "tables": [table.name for table in tables()]}
    with connection.cursor(row_factory=dict_row) as cursor:
        held = cursor.execute(HELD, parameters).fetchall()
    return {
        "location": location,
        "export": settings.warehouse_export,
        "pseudonymised": settings.warehouse_pseudonymise,
        "tables": held,
        "waiting_days": [day.isoformat() for day in waiting_days(connection, location)],
    }
