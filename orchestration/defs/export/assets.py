"""export_events, export_attribution …: a day of each table as Parquet, checked against its source.

One step for all tables, so that a day of them is of one moment of the database. Days go one by one:
those that a killed run had finished stay, and are left out when it is resumed.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import psycopg

from eventmill.core.days import DayWindow
from eventmill.warehouse import Manifest, Root, Table, open_root, tables
from eventmill.warehouse.catalog import write_catalog
from eventmill.warehouse.exporting import NotBuilt, export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for
from eventmill.warehouse.reading import folder_of
from eventmill.warehouse.references import export_references
from orchestration.defs.export.checking import compare
from orchestration.defs.export.queries import exported_by
from orchestration.keys import DAILY_BUILDS, RAW_EVENTS
from orchestration.partitions import built_days, daily, one_run_per_range
from orchestration.progress import how_far, report
from orchestration.retries import database, three_with_backoff
from orchestration.runs import runs_to_resume

CHECK = "equals_its_source"
GROUP = "warehouse"
_DESCRIPTIONS = {
    "events": "Every event of the day, as sent",
    "attribution": "marts.attribution",
    "daily_metrics": "marts.daily_metrics",
    "sessions": "marts.sessions",
    "conversion_credits": "marts.conversion_credits",
}


def key_of(table: Table) -> dg.AssetKey:
    return dg.AssetKey(f"export_{table.name}")


def _spec(table: Table) -> dg.AssetSpec:
    # The receipt says that all marts hold the day.
    source = RAW_EVENTS if table.schema == "raw" else dg.AssetKey(table.relation)
    return dg.AssetSpec(
        key_of(table),
        deps=[source, DAILY_BUILDS],
        description=(
            f"{_DESCRIPTIONS[table.name]} as Parquet: `<root>/{table.name}/date=YYYY-MM-DD/`, with"
            " a manifest. A day is there whole or not at all, and exporting it again replaces it."
        ),
        group_name=GROUP,
        owners=["team:data"],
        kinds={"python", "parquet"},
        skippable=True,
    )


@dg.multi_asset(
    name="warehouse_tables",
    specs=[_spec(table) for table in tables()],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=key_of(table),
            description="The exported days have the rows and the sums of their source.",
        )
        for table in tables()
    ],
    can_subset=True,
    partitions_def=daily,
    backfill_policy=one_run_per_range,
    retry_policy=three_with_backoff,
    pool="warehouse",
)
def warehouse_tables(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Export the run's days, and compare each with what the database says of it."""
    chosen = [t for t in tables() if key_of(t) in context.selected_asset_keys]
    with database("eventmill export") as connection:
        root = open_root()
        export = _Export(context, connection, root, chosen)
        try:
            export.run(built_days(context))
            # What events refer to has no days: it is written once, as it is now.
            export_references(connection, root, pseudonyms_for(root.url))
        finally:
            write_catalog(root)
    if export.missing:
        for table in chosen:
            for day in export.written:
                context.log_event(dg.AssetMaterialization(key_of(table), partition=day.isoformat()))
        raise dg.Failure(description=_not_built(export.missing), allow_retries=False)
    yield from export.results()


class _Export:
    """What a run has done so far."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        connection: psycopg.Connection,
        root: Root,
        chosen: Sequence[Table],
    ) -> None:
        self._context = context
        self._connection = connection
        self._root = root
        self._chosen = chosen
        self._wrong = defaultdict[str, list[str]](list)
        self._rows = Counter[str]()
        self.written: list[date] = []
        self.missing: list[date] = []

    def run(self, window: DayWindow) -> None:
        context, url = self._context, self._root.url
        pseudonyms = pseudonyms_for(url)
        names = [table.name for table in self._chosen]
        finished = exported_by(self._connection, url, names, runs_to_resume(context))
        left = [day for day in window if day not in finished]
        self.written = [day for day in window if day in finished]
        if self.written:
            said = how_far(len(self.written), len(window))
            context.log.info(f"{said} were exported before this run was resumed")
        started = time.monotonic()
        for number, day in enumerate(left, start=1):
            try:
                found = export_day(
                    self._connection, self._root, day, self._chosen, pseudonyms,
                    run_id=context.run.run_id,
                )  # fmt: skip
            except NotBuilt:
                self.missing.append(day)
                continue
            self._note(day, found)
            self.written.append(day)
            if len(window) > 1:
                seconds = time.monotonic() - started
                report(context, how_far(len(self.written), len(window), number, seconds))

    def _note(self, day: date, found: Sequence[Manifest]) -> None:
        said = []
        for done in found:
            self._rows[done.table] += done.rows
            said.append(f"{done.table} {done.rows:,} rows")
            self._context.add_asset_metadata(
                metadata_of(done, self._root),
                dg.AssetKey(f"export_{done.table}"),
                day.isoformat(),
            )
            self._wrong[done.table] += [
                f"{day}: {problem}" for problem in compare(self._connection, self._root, done)
            ]
        self._context.log.info(f"{day}: {', '.join(said)}")

    def results(self) -> Iterator[dg.MaterializeResult[None]]:
        for table in self._chosen:
            wrong = self._wrong[table.name]
            yield dg.MaterializeResult(
                asset_key=key_of(table),
                metadata={"days": len(self.written), "rows": self._rows[table.name]},
                check_results=[
                    dg.AssetCheckResult(
                        passed=not wrong,
                        check_name=CHECK,
                        asset_key=key_of(table),
                        description="; ".join(wrong[:10]) or f"{len(self.written)} days are equal",
                    )
                ],
            )


def metadata_of(done: Manifest, root: Root) -> Mapping[str, Any]:
    """What Dagster's UI shows of an exported day."""
    return {
        "dagster/partition_row_count": done.rows,
        "bytes": done.total_bytes,
        "files": len(done.files),
        "schema version": done.schema_version,
        "built at": done.receipt.built_at.isoformat(),
        "path": root.url_of(folder_of(done.table, done.day)),
    }


def _not_built(days: Sequence[date]) -> str:
    shown = ", ".join(map(str, days[:5])) + (" …" if len(days) > 5 else "")
    return f"{len(days)} days are not built, or are being built now: {shown}"
