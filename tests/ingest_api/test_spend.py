"""`eventmill spend`: a file of costs is loaded whole or not at all."""

import json
from pathlib import Path

import psycopg
import pytest

from eventmill.core.errors import ConfigurationError
from ingest_api.spend import load_spend, read_spend
from tests.support import rows, run_eventmill

HEADER = "date,source,medium,campaign,currency,cost_cents"
STORED = """
select date::text, source, medium, campaign, term, content, currency, cost_cents, impressions,
       clicks
from raw.ad_spend
order by date, source, medium, campaign, term, currency
"""


def written(folder: Path, *lines: str, header: str = HEADER) -> Path:
    file = folder / "costs.csv"
    file.write_text("\n".join([header, *lines]))
    return file


def test_a_file_is_loaded_and_listed(connection: psycopg.Connection, tmp_path: Path) -> None:
    header = "Source , date,medium,campaign,term,content,currency,cost,impressions,clicks"
    file = written(
        tmp_path,
        ' Google ,2026-03-01,CPC,"Spring, sale",Art,,usd,12.30,1000,7',
        "google,2026-03-02,,(not set),,,EUR,0,,",
        "",
        header=header,
    )
    loaded = run_eventmill("spend", "load", str(file), "--json")
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert json.loads(loaded.stdout) == {"added": 2, "replaced": 0}
    assert rows(connection, STORED) == [
        ("2026-03-01", "google", "cpc", "spring, sale", "art", None, "USD", 1230, 1000, 7),
        ("2026-03-02", "google", None, None, None, None, "EUR", 0, None, None),
    ]
    listed = json.loads(run_eventmill("spend", "list", "--json").stdout)
    assert [(row["campaign"], row["currency"], row["cost_cents"]) for row in listed] == [
        (None, "EUR", 0),
        ("spring, sale", "USD", 1230),
    ]
    assert "12.30 USD" in run_eventmill("spend", "list").stdout


def test_a_load_replaces_what_it_names_and_nothing_else(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    first = [
        "2026-03-01,google,cpc,a,USD,1",
        "2026-03-01,google,cpc,a,EUR,2",
        "2026-03-01,google,cpc,,USD,3",
        "2026-03-01,google,cpc,b,USD,4",
        "2026-03-02,google,cpc,a,USD,5",
    ]
    load_spend(connection, read_spend(connection, written(tmp_path, *first)))
    again = written(tmp_path, "2026-03-01,google,cpc,a,USD,10", "2026-03-01,google,cpc,,USD,30")
    # Both currencies of campaign a go: the file is the whole truth about it.
    assert load_spend(connection, read_spend(connection, again)) == (3, 2)
    left = rows(
        connection, "select date::text, campaign, currency, cost_cents from raw.ad_spend order by 4"
    )
    assert left == [
        ("2026-03-01", "b", "USD", 4),
        ("2026-03-02", "a", "USD", 5),
        ("2026-03-01", "a", "USD", 10),
        ("2026-03-01", None, "USD", 30),
    ]


def test_cost_of_a_project_is_apart_from_the_platforms_own(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    header = f"project_id,{HEADER}"
    first = [
        ",2026-03-01,google,cpc,a,USD,1",
        " Spring/1 ,2026-03-01,google,cpc,a,USD,2",
        "other,2026-03-01,google,cpc,a,USD,3",
    ]
    load_spend(connection, read_spend(connection, written(tmp_path, *first, header=header)))
    again = written(tmp_path, "Spring/1,2026-03-01,google,cpc,a,USD,20", header=header)
    assert load_spend(connection, read_spend(connection, again)) == (1, 1)
    without = written(tmp_path, "2026-03-01,google,cpc,a,USD,10")
    assert load_spend(connection, read_spend(connection, without)) == (1, 1)
    left = rows(
        connection, "select project_id, cost_cents from raw.ad_spend order by 1 nulls first"
    )
    assert left == [(None, 10), ("Spring/1", 20), ("other", 3)]
    listed = json.loads(run_eventmill("spend", "list", "--json").stdout)
    assert [row["project_id"] for row in listed] == [None, "Spring/1", "other"]


def test_a_project_that_no_event_can_name(connection: psycopg.Connection, tmp_path: Path) -> None:
    line = f"{'p' * 201},2026-03-01,google,cpc,a,USD,2"
    with pytest.raises(ConfigurationError, match="line 2, column project_id: "):
        read_spend(connection, written(tmp_path, line, header=f"project_id,{HEADER}"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("01.03.2026,google,cpc,a,USD,1", "line 3, column date: '01.03.2026' is not a date"),
        ("2026-03-01, ,cpc,a,USD,1", "line 3, column source: it is empty"),
        ("2026-03-01,google,cpc,a,US$,1", "line 3, column currency: 'US$'"),
        ("2026-03-01,google,cpc,a,USD,1.5", "line 3, column cost_cents: '1.5'"),
        ("2026-03-01,google,cpc,a,USD,-1", "line 3, column cost_cents: '-1'"),
        ("2026-03-01,google,cpc,a,USD,9223372036854775808", "line 3, column cost_cents"),
        ("2026-03-01,google,cpc,a,USD", "line 3: 5 values for 6 columns"),
        ("2026-03-01,GOOGLE,cpc ,x,USD,7", "line 3: the same date, project, tags and currency"),
        ('2026-03-01,"google"x,cpc,a,USD,1', "line 3: "),
    ],
)
def test_a_mistake_is_named_and_nothing_is_loaded(
    connection: psycopg.Connection, tmp_path: Path, line: str, said: str
) -> None:
    file = written(tmp_path, "2026-03-01,google,cpc,x,USD,7", line)
    result = run_eventmill("spend", "load", str(file))
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not rows(connection, STORED)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("date,source,currency,cost_cents,budget", "no such column as 'budget'"),
        ("date,source,cost_cents", "the column 'currency' is missing"),
        ("date,source,currency", "one of cost and cost_cents"),
        ("date,source,currency,cost,cost_cents", "one of cost and cost_cents"),
        ("date,date,source,currency,cost", "the column 'date' is there twice"),
        ("", "the column 'date' is missing"),
    ],
)
def test_a_wrong_header_is_named(
    connection: psycopg.Connection, tmp_path: Path, header: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match="line 1: ") as caught:
        read_spend(connection, written(tmp_path, header=header))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["1.234", "x", "-0.01", "NaN", "Infinity", "", "1e30"])
def test_an_amount_that_is_none(connection: psycopg.Connection, tmp_path: Path, text: str) -> None:
    file = written(tmp_path, f"2026-03-01,a,USD,{text}", header="date,source,currency,cost")
    with pytest.raises(ConfigurationError, match="line 2, column cost: "):
        read_spend(connection, file)


def test_what_cannot_be_read(connection: psycopg.Connection, tmp_path: Path) -> None:
    missing = run_eventmill("spend", "load", str(tmp_path / "none.csv"))
    assert missing.returncode == 1
    assert "none.csv" in missing.stderr
    latin = tmp_path / "latin.csv"
    latin.write_bytes(f"{HEADER}\n2026-03-01,caf\xe9,,,USD,1".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        read_spend(connection, latin)
