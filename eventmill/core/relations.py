"""Whether a relation exists: dbt makes most of them in the first build."""

import psycopg


def is_there(connection: psycopg.Connection, relation: str) -> bool:
    """Whether a table or view is there."""
    row = connection.execute("select to_regclass(%s) is not null", (relation,)).fetchone()
    return row is not None and bool(row[0])


def has_builds(connection: psycopg.Connection) -> bool:
    """Whether anything was ever built."""
    return is_there(connection, "marts.daily_builds")
