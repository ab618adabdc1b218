"""Two relations of the same shape compared over the same days, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eventmill.core.days import DayWindow

# When a row was written is different each time, and says nothing about the definition.
AUDIT_COLUMNS = frozenset({"created_at", "updated_at", "built_at"})
NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})

COLUMNS: LiteralString = """
select attname, format_type(atttypid, null)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
order by attnum
"""
# Each row of either side, with the values of both; equal also where parts of the key are null, and
# fit for a hash join, which `is not distinct from` is not.
PAIRS: LiteralString = """
create temporary table pairs on commit drop as
select
    {keys},
    {values},
    o.present is null as is_added,
    n.present is null as is_removed
from (select *, true as present from {old} where {time} >= {start} and {time} < {end}) as o
full join (select *, true as present from {new} where {time} >= {start} and {time} < {end}) as n
    on {on}
"""
ROWS: LiteralString = """
select
    count(*) filter (where not is_added) as old,
    count(*) filter (where not is_removed) as new,
    count(*) filter (where is_added) as added,
    count(*) filter (where is_removed) as removed
from pairs
"""
SUMS: LiteralString = """
coalesce(sum({old}) filter (where {totals}), 0) as old,
coalesce(sum({new}) filter (where {totals}), 0) as new
"""
NO_SUMS: LiteralString = "null as old, null as new"
CHANGE: LiteralString = """
select {sums}, count(*) filter (where {old} is distinct from {new}) as rows from pairs
"""
MOVED: LiteralString = """
select * from pairs where {differs} order by {size} desc, {key} limit {limit}
"""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One column: its sums (None unless it is a number) and the rows in which it is different."""

    column: str
    old: Any
    new: Any
    rows: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """An old relation against a new one.

    `rows` counts `old`, `new`, `added` and `removed` ones. `moved` holds the rows that differ, the
    most different first: each a mapping of the key's columns to their values, and of the name of
    each column that changed to [old, new].
    """

    rows: Mapping[str, int]
    changes: Sequence[ColumnChange]
    moved: Sequence[Mapping[str, Any]]


def columns_of(connection: psycopg.Connection, relation: sql.Identifier) -> dict[str, str]:
    """Name → type of each column; empty if there is no such relation."""
    return dict(connection.execute(COLUMNS, (relation.as_string(connection),)).fetchall())


def compare(
    connection: psycopg.Connection,
    old: sql.Identifier,
    new: sql.Identifier,
    *,
    key: Sequence[str],
    time: str,
    window: DayWindow,
    limit: int,
    totals: str = "true",
) -> Comparison:
    """Compare the rows whose column `time` is in `window`; at most `limit` moved rows.

    Rows are the same if their `key` is, nulls being equal. Columns that only one side has are left
    out. `totals` is SQL over the key: the rows that sums are made of.
    """
    known = columns_of(connection, old)
    columns = {
        name: kind
        for name, kind in columns_of(connection, new).items()
        if name in known and name not in key and name not in AUDIT_COLUMNS
    }
    query = sql.SQL(PAIRS).format(
        keys=_each("coalesce(o.{0}, n.{0}) as {0}", key),
        values=_each("o.{0} as {1}, n.{0} as {2}", columns),
        old=old,
        new=new,
        time=sql.Identifier(time),
        start=sql.Literal(window.start),
        end=sql.Literal(window.end),
        on=_each("coalesce('=' || o.{0}, '') = coalesce('=' || n.{0}, '')", key, joiner=" and "),
    )
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set local timezone = 'UTC'")
        cursor.execute(query)
        rows = cursor.execute(ROWS).fetchone() or {}
        changes = [_change(cursor, name, kind, totals) for name, kind in columns.items()]
        changed = [change.column for change in changes if change.rows]
        numbers = [name for name in changed if columns[name] in NUMBERS]
        return Comparison(rows, changes, _moved(cursor, key, changed, numbers, limit))


def _change(
    cursor: psycopg.Cursor[dict[str, Any]], name: str, kind: str, totals: str
) -> ColumnChange:
    sides = {"old": sql.Identifier(f"old {name}"), "new": sql.Identifier(f"new {name}")}
    sums = sql.SQL(SUMS if kind in NUMBERS else NO_SUMS).format(totals=sql.SQL(totals), **sides)
    row = cursor.execute(sql.SQL(CHANGE).format(sums=sums, **sides)).fetchone() or {}
    return ColumnChange(name, row["old"], row["new"], row["rows"])


def _moved(
    cursor: psycopg.Cursor[dict[str, Any]],
    key: Sequence[str],
    changed: Sequence[str],
    numbers: Sequence[str],
    limit: int,
) -> list[dict[str, Any]]:
    """The rows that differ: most different numbers first, then in the order of the key."""
    if not changed:
        return []
    difference: LiteralString = "abs(coalesce({1}, 0) - coalesce({2}, 0))"
    query = sql.SQL(MOVED).format(
        differs=_each("{1} is distinct from {2}", changed, joiner=" or "),
        size=_each(difference, numbers, joiner=" + ") if numbers else sql.SQL("true"),
        key=_each("{0}", key),
        limit=sql.Literal(limit),
    )
    moved = []
    for row in cursor.execute(query).fetchall():
        values = {name: [row[f"old {name}"], row[f"new {name}"]] for name in changed}
        different = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
        moved.append({name: row[name] for name in key} | different)
    return moved


def _each(template: LiteralString, names: Iterable[str], *, joiner: str = ", ") -> sql.Composed:
    """`template` for each name: {0} is the name, {1} its old value, {2} its new one."""
    return sql.SQL(joiner).join(
        sql.SQL(template).format(
            sql.Identifier(name), sql.Identifier(f"old {name}"), sql.Identifier(f"new {name}")
        )
        for name in names
    )
