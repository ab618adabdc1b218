"""export_events, export_attribution …: a day of each table as Parquet, checked against its source.

One step for all tables, so that a day of them is of one moment of the database. Days go one by one:
those that a killed run had finished stay, and are left out when it is resumed.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import psycopg

from eventmill.core.database import connect
from eventmill.core.days import DayWindow
from eventmill.warehouse import Manifest, Root, Table, open_root, tables
from eventmill.warehouse.catalog import write_catalog
from eventmill.warehouse.exporting import NotBuilt, export_day
from eventmill.warehouse.pseudonyms import pseudonyms_for
from eventmill.warehouse.reading import folder_of
from eventmill.warehouse.references import export_references
from orchestration.defs.builds.chunks import progress
from orchestration.defs.export.checking import compare
from orchestration.defs.export.queries import exported_by
from orchestration.lineage import runs_to_resume
from orchestration.partitions import built_days, daily, one_run_per_range
from orchestration.retries import no_retry_in_vain, three_with_backoff
from orchestration.tags import PROGRESS_TAG

CHECK = "equals_its_source"
GROUP = "warehouse"
# The receipt says that all marts hold the day; raw events are known as raw_events to Dagster.
RECEIPT = dg.AssetKey("daily_builds")
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
    source = "raw_events" if table.schema == "raw" else table.relation
    return dg.AssetSpec(
        key_of(table),
        deps=[dg.AssetKey(source), RECEIPT],
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
    with (
        no_retry_in_vain(),
        connect(autocommit=True, application="eventmill export") as connection,
    ):
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
        self._wrong: dict[str, list[str]] = {table.name: [] for table in chosen}
        self._rows = dict.fromkeys((table.name for table in chosen), 0)
        self.written: list[date] = []
        self.missing: list[date] = []

    def run(self, window: DayWindow) -> None:
        context = self._context
        pseudonyms = pseudonyms_for(self._root.url)
        finished = exported_by(
            self._connection,
            self._root.url,
            [table.name for table in self._chosen],
            runs_to_resume(context),
        )
        left = [day for day in window if day not in finished]
        if len(left) < len(window):
            context.log.info(
                f"{len(window) - len(left)} of {len(window)} days were exported before this run"
                " was resumed"
            )
        self.written = sorted(set(window) - set(left))
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
                days = [DayWindow(done, done) for done in self.written]
                said = progress(days, window, number, time.monotonic() - started)
                context.log.info(said)
                context.instance.add_run_tags(context.run.run_id, {PROGRESS_TAG: said})

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
