"""A warehouse that is a database: days go through dlt's staging dataset, one package for each.

dlt loads the rows beside, and then deletes the day and inserts it from there in one transaction of
each table. The same package brings a row of `loaded_days` for each table, which counts only once
dlt has noted the package as complete in `_dlt_loads`: so a day that was killed on its way is not
taken for loaded.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import dlt
import pyarrow as pa
from dlt.common.destination import TLoaderFileFormat
from dlt.common.schema.typing import TSchemaContractDict
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from eventmill.core.settings import get_settings
from eventmill.warehouse.loading.destinations import destination, state_folder
from eventmill.warehouse.loading.rows import DAY, row_groups
from eventmill.warehouse.reading import ExportedDay
from eventmill.warehouse.storage import Root

LOADED_DAYS: Final = "loaded_days"
PIPELINE: Final = "eventmill"
# New columns are added. A column of another type is not loaded into the one that there is.
CONTRACT: Final[TSchemaContractDict] = {
    "tables": "evolve",
    "columns": "evolve",
    "data_type": "freeze",
}
LOADED = """
select days.table_name, days.date, days.manifest_sha256
from {loaded_days} as days
inner join {loads} as loads on days._dlt_load_id = loads.load_id
where loads.status = 0
"""
ROWS = "select count(*) from {table} where {is_of_day}"
# The rows of a day are looked for by it; dlt makes no index in PostgreSQL.
INDEX = 'create index if not exists "{name}" on {table} (date)'


class DatabaseTarget:
    """A dataset of a database, by dlt. Each method raises what dlt raises, and DayReplaced."""

    def __init__(self, name: str, dataset: str) -> None:
        self._name = name
        folder = state_folder() / "pipelines"
        # What a killed load has left; what is needed is read from the destination again.
        shutil.rmtree(folder / PIPELINE, ignore_errors=True)
        self._pipeline = dlt.pipeline(
            PIPELINE,
            destination=destination(name),
            dataset_name=dataset,
            pipelines_dir=str(folder),
        )

    def loaded(self, tables: Sequence[str]) -> Mapping[tuple[str, date], str]:
        """Table and day → checksum of the manifest that is loaded."""
        self._pipeline.sync_destination()
        with self._client() as client:
            query = LOADED.format(
                loaded_days=client.make_qualified_table_name(LOADED_DAYS),
                loads=client.make_qualified_table_name("_dlt_loads"),
            )
            try:
                rows = client.execute_sql(query) or ()
            except DatabaseUndefinedRelation:
                return {}  # nothing was ever loaded
        return {(table, _day(day)): checksum for table, day, checksum in rows if table in tables}

    def load(self, root: Root, day: date, exported: Sequence[ExportedDay]) -> None:
        """Put these tables' rows of the day in place of those that are there."""
        if self._pipeline.has_pending_data:
            self._pipeline.drop_pending_packages()
        resources = [_resource(root, one, file_format(self._name, one)) for one in exported]
        self._pipeline.run([*resources, _notes(exported)])
        if self._name == "postgres":
            self._index([one.manifest.table for one in exported])

    def rows(self, table: str, day: date) -> int:
        """How many rows of the day are there."""
        with self._client() as client:
            query = ROWS.format(
                table=client.make_qualified_table_name(table), is_of_day=is_of_day(day)
            )
            [(count,)] = client.execute_sql(query) or [(0,)]
        return int(count)

    def _index(self, tables: Sequence[str]) -> None:
        with self._client() as client:
            for table in tables:
                qualified = client.make_qualified_table_name(table)
                client.execute_sql(INDEX.format(name=f"{table}_date", table=qualified))

    def _client(self) -> Any:
        return self._pipeline.sql_client()


def is_of_day(day: date) -> str:
    """A condition with the day as a constant: only its partition is looked at."""
    return f"{DAY} = date '{day}'"


def file_format(name: str, one: ExportedDay) -> TLoaderFileFormat:
    """How rows get into the destination `name`: whole files, unless these would not arrive right.

    Without a bucket of its own, Redshift takes only INSERT. PostgreSQL takes files by ADBC, which
    writes other decimals than it is given (https://github.com/apache/arrow-adbc/issues/3485).
    """
    has_decimals = any(column.type.startswith("decimal") for column in one.manifest.schema)
    if name == "redshift" or (name == "postgres" and has_decimals):
        return "insert_values"
    return "parquet"


def _resource(root: Root, one: ExportedDay, format_: TLoaderFileFormat) -> Any:
    manifest = one.manifest
    scope = is_of_day(manifest.day)

    def rows() -> Iterator[pa.Table]:
        yield from row_groups(root, manifest)

    columns: dict[str, Any] = {
        column.name: {"description": column.comment} for column in manifest.schema if column.comment
    }
    columns[DAY] = {**columns.get(DAY, {}), "data_type": "date", "partition": True}
    return dlt.resource(
        rows,
        name=manifest.table,
        columns=columns,
        write_disposition={
            "disposition": "merge",
            "strategy": "delete-insert",
            "source_filter": scope,
            "destination_scope": scope,
        },
        schema_contract=CONTRACT,
        file_format=format_,
    )


def _notes(exported: Sequence[ExportedDay]) -> Any:
    now = datetime.now(UTC)
    settings = get_settings()
    return dlt.resource(
        [
            {
                "table_name": manifest.table,
                "date": manifest.day,
                "row_count": manifest.rows,
                "build": manifest.build,
                "manifest_sha256": checksum,
                "schema_version": manifest.schema_version,
                "built_at": manifest.receipt.built_at,
                "exported_at": manifest.exported_at,
                "exported_to": settings.warehouse_location,
                "loaded_at": now,
            }
            for manifest, _, checksum in exported
        ],
        name=LOADED_DAYS,
        primary_key=("table_name", "date"),
        write_disposition="merge",
    )


def _day(value: object) -> date:
    return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value))
