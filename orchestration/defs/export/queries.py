"""SQL of the export: what earlier runs have done, and what days hold in the database."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import LiteralString

import psycopg
from psycopg import sql

from eventmill.warehouse import Manifest, Table
from eventmill.warehouse.source import of_day

# Only if no build of the day has come since.
EXPORTED_BY: LiteralString = """
select exported.day
from ops.exported_days as exported
inner join marts.daily_builds as builds
    on exported.day = builds.date and exported.built_at = builds.built_at
where
    exported.destination = %(destination)s
    and exported.table_name = any(%(tables)s)
    and exported.run_id = any(%(run_ids)s)
group by exported.day
having count(*) = cardinality(%(tables)s)
"""
IS_CURRENT: LiteralString = """
select exists (
    select from marts.daily_builds where date = %(day)s and built_at = %(built_at)s
)
"""
TOTALS: LiteralString = "select count(*), {sums} from {source} as day where {is_of_day}"


def exported_by(
    connection: psycopg.Connection,
    destination: str,
    names: Collection[str],
    run_ids: Collection[str],
) -> set[date]:
    """Days of which these runs have exported all of the tables."""
    rows = connection.execute(
        EXPORTED_BY,
        {"destination": destination, "tables": list(names), "run_ids": list(run_ids)},
    )
    return {day for (day,) in rows}


def is_current(connection: psycopg.Connection, done: Manifest) -> bool:
    """Whether the day is still of the build that was exported."""
    parameters = {"day": done.day, "built_at": done.receipt.built_at}
    return connection.execute(IS_CURRENT, parameters).fetchone() == (True,)


def totals_of(
    connection: psycopg.Connection, table: Table, done: Manifest
) -> tuple[int, dict[str, Decimal]]:
    """Rows of the day in the database, and the same totals as the manifest has."""
    types = {column.name: column.type for column in done.schema}
    sums = [
        sql.SQL("coalesce(sum({}), 0)").format(
            sql.SQL("day.{}::int").format(sql.Identifier(name))
            if types[name] == "bool"
            else sql.SQL("day.{}").format(sql.Identifier(name))
        )
        for name in done.totals
    ]
    query = sql.SQL(TOTALS).format(
        sums=sql.SQL(", ").join([*sums, sql.SQL("0")]),
        source=sql.Identifier(table.schema, table.relation),
        is_of_day=of_day(table, done.day),
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], {name: Decimal(v) for name, v in zip(done.totals, row[1:], strict=False)}
