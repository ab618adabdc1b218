"""`eventmill dbt --target duckdb`: the models in a DuckDB file, over the warehouse's Parquet files.

No server is needed: the sources that models read are views of the files.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb

from eventmill.core.database import dbt_environment
from eventmill.core.days import ONE_DAY, DayWindow
from eventmill.core.errors import ConfigurationError
from eventmill.core.registry import COLUMNS
from eventmill.core.settings import get_settings
from eventmill.warehouse import days, files_of_days, open_root, table_named
from eventmill.warehouse.references import CURRENT, TIME, references
from orchestration.development import OF_DAYS, names, only

TARGET = "duckdb"
# The days that are built when the command names none: the last ones that are exported.
DEFAULT_DAYS = 31
EVENTS = "raw.events"


_DUCKDB = {"text": "varchar", "jsonb": "json"}

# What models read, and its columns with PostgreSQL's types.
_READ: Mapping[str, Mapping[str, str]] = {
    EVENTS: {name: column.type for name, column in COLUMNS.items()},
    **{reference.source: reference.columns for reference in references()},
    # What Dagster's builds note of themselves. A file has had none.
    "enrichment.builds": {
        "build_id": "uuid",
        "watermark": TIME,
        "parser_version": "text",
        "finished_at": TIME,
    },
    "enrichment.replaced_days": {"day": "date"},
}
SOURCES = {
    relation: {name: _DUCKDB.get(kind, kind) for name, kind in columns.items()}
    for relation, columns in _READ.items()
}
"""Relation, `schema.name` → its columns with DuckDB's types, in order."""


def prepare(arguments: Sequence[str]) -> dict[str, str]:
    """Make the file's sources; the variables to run dbt's `arguments` with.

    Raises ConfigurationError if the warehouse has no events or is not in a folder.
    """
    settings = get_settings()
    url = settings.warehouse_location
    if "://" in url:
        raise ConfigurationError(
            f"the warehouse is {url}, and dbt on DuckDB reads a folder: copy what you need and set"
            " EVENTMILL_WAREHOUSE_URL to the copy"
        )
    root, table = open_root(url), table_named("events")
    exported = days(root, table)
    if not exported:
        raise ConfigurationError(
            f"{url} has no exported events: set EVENTMILL_WAREHOUSE_URL to the warehouse's folder"
        )
    found = {EVENTS: files_of_days(root, table, exported)}
    for reference in references():
        file = Path(url) / reference.name / CURRENT
        if not file.exists():
            raise ConfigurationError(f"{file} is missing: it is exported with the events")
        found[reference.source] = [str(file)]
    attach(settings.duckdb_file, found)
    return {**environment(settings.duckdb_file), **window(arguments, exported)}


def attach(file: Path, found: Mapping[str, Sequence[str]]) -> None:
    """Make the sources in the DuckDB `file`: views of the Parquet files of each relation.

    One without files has no rows. Raises ConfigurationError if somebody has the file open.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(file))
    except duckdb.IOException as error:
        raise ConfigurationError(f"{file} cannot be opened: {error}") from None
    with connection:
        for relation, columns in SOURCES.items():
            schema = relation.partition(".")[0]
            connection.execute(f"create schema if not exists {schema}")
            query = _query(connection, columns, found.get(relation, ()))
            connection.execute(f"create or replace view {relation} as {query}")


def environment(file: Path) -> dict[str, str]:
    """The variables that dbt_project/profiles.yml reads for the target `duckdb`: no server's."""
    shared = {
        name: value
        for name, value in dbt_environment().items()
        if not name.startswith("EVENTMILL_PG_")
    }
    return {
        **shared,
        "EVENTMILL_DUCKDB": str(file),
        # Apart from production's manifest, whose SQL is PostgreSQL's.
        "DBT_TARGET_PATH": str(get_settings().dbt_target_dir / TARGET),
    }


def window(arguments: Sequence[str], exported: Sequence[date]) -> dict[str, str]:
    """dbt's variables for the last of the `exported` days, unless the command names days."""
    if names(arguments, *OF_DAYS):
        return {}
    first = max(exported[0], exported[-1] - (DEFAULT_DAYS - 1) * ONE_DAY)
    return only(DayWindow(first, exported[-1]))


def _query(
    connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, str], found: Sequence[str]
) -> str:
    """A column that all files lack, since they are of an older version, is null."""
    nulls = {name: f"null::{kind} as {name}" for name, kind in wanted.items()}
    if not found:
        return f"select {', '.join(nulls.values())} where false"
    files = ", ".join("'" + file.replace("'", "''") + "'" for file in found)
    rows = f"read_parquet([{files}], union_by_name = true)"
    there = set(connection.sql(f"select * from {rows}").columns)  # noqa: S608
    columns = (
        nulls[name] if name not in there
        else f"{name}::{kind} as {name}" if kind in ("uuid", "json")
        else name
        for name, kind in wanted.items()
    )  # fmt: skip
    return f"select {', '.join(columns)} from {rows}"  # noqa: S608
