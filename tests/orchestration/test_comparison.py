"""Two relations compared: what differs is found, what is the same is not."""

from datetime import date

import psycopg
from psycopg import sql

from eventmill.core.days import DayWindow
from orchestration.comparison import Comparison, compare

DAY = date(2026, 3, 1)
TABLE = """
create table {} (
    day date, asset text, views bigint, share numeric, channel text, updated_at timestamptz
)
"""


def compared(connection: psycopg.Connection, old: str, new: str, **more: str) -> Comparison:
    relations = []
    for name, rows in (("old", old), ("new", new)):
        relation = sql.Identifier(name)
        connection.execute(sql.SQL(TABLE).format(relation))
        insert = f"insert into {name} (day, asset, views, share, channel) values {rows}"
        connection.execute(insert.encode())
        relations.append(relation)
    connection.execute("update new set updated_at = now()")
    return compare(
        connection, *relations, key=["day", "asset"], time="day",
        window=DayWindow(DAY, DAY), limit=10, **more,
    )  # fmt: skip


def test_rows_that_are_the_same_have_not_moved(connection: psycopg.Connection) -> None:
    rows = "('2026-03-01', 'a', 1, 0.5, 'x'), ('2026-03-01', null, 1, null, null)"
    found = compared(connection, rows, rows)
    assert found.rows == {"old": 2, "new": 2, "added": 0, "removed": 0}
    assert [(c.column, c.rows) for c in found.changes] == [
        ("views", 0), ("share", 0), ("channel", 0),
    ]  # fmt: skip
    assert found.moved == []


def test_what_moved_comes_first_if_it_moved_most(connection: psycopg.Connection) -> None:
    found = compared(
        connection,
        "('2026-03-01', null, 10, 1, 'x'), ('2026-03-01', 'a', 3, 1, 'x'),"
        " ('2026-03-01', 'gone', 1, 1, 'x'), ('2026-03-01', 'text', 1, 1, 'x'),"
        " ('2026-03-02', 'other day', 1, 1, 'x')",
        "('2026-03-01', null, 14, 1, 'x'), ('2026-03-01', 'a', 1, 1, 'x'),"
        " ('2026-03-01', 'new', 1, 1, null), ('2026-03-01', 'text', 1, 1, 'y')",
    )
    assert found.rows == {"old": 4, "new": 4, "added": 1, "removed": 1}
    views, _, channel = found.changes
    assert (views.old, views.new, views.rows) == (15, 17, 4)
    assert (channel.old, channel.new, channel.rows) == (None, None, 2)
    assert [(row["asset"], row.get("views"), row.get("channel")) for row in found.moved] == [
        (None, [10, 14], None),
        ("a", [3, 1], None),
        ("gone", [1, None], ["x", None]),
        ("new", [None, 1], None),
        ("text", None, ["x", "y"]),
    ]


def test_sums_are_of_the_rows_that_add_up(connection: psycopg.Connection) -> None:
    old = "('2026-03-01', null, 10, 1, 'x'), ('2026-03-01', 'a', 10, 1, 'x')"
    new = "('2026-03-01', null, 11, 1, 'x'), ('2026-03-01', 'a', 11, 1, 'x')"
    views = compared(connection, old, new, totals="asset is null").changes[0]
    assert (views.old, views.new, views.rows) == (10, 11, 2)
