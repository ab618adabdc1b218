"""`eventmill dbt --target duckdb`: what it says when it cannot, and which days it takes."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from eventmill.core.errors import ConfigurationError
from orchestration.cli import names_duckdb
from orchestration.laptop import EVENTS, SOURCES, attach, prepare, window
from tests.support import environment

DAYS = [date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 2)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--target", "duckdb", "build"], True),
        (["build", "-t", "duckdb"], True),
        (["build", "--target=duckdb"], True),
        (["build", "--select", "duckdb"], False),
        (["build", "--target", "dev"], False),
        (["build"], False),
    ],
)
def test_only_the_target_leaves_the_server_alone(arguments: list[str], *, expected: bool) -> None:
    assert names_duckdb(arguments) is expected


def test_a_column_that_an_older_export_lacks_is_null(tmp_path: Path) -> None:
    older = [name for name in SOURCES[EVENTS] if name != "trust"]
    nulls = ", ".join(f"null::varchar as {name}" for name in older)
    file = str(tmp_path / "older.parquet")
    duckdb.sql(f"copy (select {nulls}) to '{file}'")
    attach(tmp_path / "dev.duckdb", {EVENTS: [file]})
    with duckdb.connect(str(tmp_path / "dev.duckdb")) as connection:
        assert connection.sql("select trust from raw.events").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("exported", "start", "end"),
    [(DAYS, "2024-02-01", "2024-03-03"), (DAYS[2:], "2024-03-02", "2024-03-03")],
)
def test_a_build_is_of_the_last_exported_days(exported: list[date], start: str, end: str) -> None:
    assert window(["build"], exported) == {
        "DBT_EVENT_TIME_START": start,
        "DBT_EVENT_TIME_END": end,
    }
    assert window(["build", "--event-time-start=2024-03-01"], exported) == {}


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("s3://bucket/warehouse", "reads a folder"),
        ("{folder}", "has no exported events"),
    ],
)
def test_without_files_it_says_what_is_missing(tmp_path: Path, place: str, problem: str) -> None:
    with (
        environment(
            EVENTMILL_HOME=str(tmp_path),
            EVENTMILL_WAREHOUSE_URL=place.format(folder=tmp_path / "empty"),
        ),
        pytest.raises(ConfigurationError, match=problem),
    ):
        prepare(["build"])
    assert not (tmp_path / "laptop.duckdb").exists()


def test_a_file_that_somebody_has_open_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "laptop.duckdb"
    file.write_text("no database")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        attach(file, {})


def test_sources_without_files_have_their_columns_and_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "of an analyst's" / "laptop.duckdb"
    attach(file, {EVENTS: []})
    with duckdb.connect(str(file), read_only=True) as connection:
        for relation, columns in SOURCES.items():
            found = connection.execute(f"select * from {relation}")
            assert [column[0] for column in found.description or []] == list(columns)
            assert found.fetchall() == []
