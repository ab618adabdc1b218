"""No cell of a CSV file is run by a spreadsheet, and every other cell stays as it is."""

import re
import unicodedata

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import ClientCursor, sql

from dashboards_api.exports.columns import cell, parameters

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
STARTS = "=+-@\t\r\n＝＋－＠﹦﹢﹣﹫ \u00a0\u3000\ufeff\u200b'0123456789.eE"
# Half of the texts are made of what matters, the others of anything PostgreSQL can hold.
TEXTS = st.one_of(
    st.text(st.sampled_from(STARTS + 'a("'), max_size=8),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)


def is_run(text: str) -> bool:
    """Whether a spreadsheet may take the text for a formula; written without our code's list."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    start = text.lstrip("\u200b\u2060\ufeff \t\n\v\f\r\u00a0\u3000")[:1]
    is_operator = bool(start) and unicodedata.normalize("NFKC", start) in ("=", "+", "-", "@")
    return is_operator and not NUMBER.fullmatch(text)


@pytest.fixture(scope="module")
def open_connection(module_database: str) -> psycopg.Connection:
    return psycopg.connect(module_database, autocommit=True)


def escaped(connection: psycopg.Connection, texts: list[str]) -> list[str]:
    query = sql.SQL(
        "select {} from unnest(%(texts)s::text[]) with ordinality as t (v, n) order by n"
    )
    with ClientCursor(connection) as cursor:
        found = cursor.execute(
            query.format(cell(sql.SQL("t.v"))), {**parameters({}), "texts": texts}
        ).fetchall()
    return [row[0] for row in found]


@given(texts=st.lists(TEXTS, min_size=1, max_size=50))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_cell_is_harmless_or_unchanged(
    open_connection: psycopg.Connection, texts: list[str]
) -> None:
    for text, result in zip(texts, escaped(open_connection, texts), strict=True):
        assert result == (f"'{text}" if is_run(text) else text)
        assert not is_run(result)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("=1+1", "'=1+1"), ("+1", "+1"), ("-1.5e3", "-1.5e3"), ("-1+cmd", "'-1+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r1", "'\r1"), ("  =1", "'  =1"),
        ("＝1", "'＝1"), ("－1", "'－1"), ("a=1", "a=1"), ("", ""), ("-", "'-"), ("1-2", "1-2"),
        ("-1\n", "'-1\n"), ("0042", "0042"), ("'=1", "'=1"), ("\u200b@a", "'\u200b@a"),
    ],
)  # fmt: skip
def test_examples(open_connection: psycopg.Connection, text: str, result: str) -> None:
    assert escaped(open_connection, [text]) == [result]
