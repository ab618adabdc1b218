"""Reports a build to Dagster: materializations, checks, rows and seconds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt import DbtCliEventMessage

from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from orchestration.building.arguments import selector
from orchestration.building.invocation import DbtOutcome
from orchestration.building.receipts import Build
from orchestration.defs.dbt.metadata import built_events, from_events, of_views
from orchestration.defs.dbt.translator import EventmillTranslator
from orchestration.keys import NIGHTLY_BUILD, RAW_EVENTS
from orchestration.project import manifest

RECEIPT = "model.eventmill.build_receipts"
ROWS = "dagster/partition_row_count"


def nodes() -> dict[str, Mapping[str, Any]]:
    """Models and seeds of the manifest by unique id."""
    found = manifest()["nodes"]
    return {k: v for k, v in found.items() if v["resource_type"] in {"model", "seed"}}


def key(unique_id: str) -> dg.AssetKey:
    """The asset of a node."""
    return EventmillTranslator().get_asset_key(nodes()[unique_id])


def selected(context: dg.AssetExecutionContext) -> list[str] | None:
    """dbt selectors of the assets that a run was limited to, or None for all of them."""
    if not context.is_subset:
        return None
    keys = context.selected_asset_keys
    return [selector(node) for name, node in nodes().items() if key(name) in keys]


def note(
    context: dg.AssetExecutionContext,
    connection: psycopg.Connection,
    outcome: DbtOutcome,
    build: Build,
) -> None:
    """Rows and seconds of each asset, why each day was built, and what the build saw of raw."""
    events, window = known(outcome.events), build.order.window
    notes = list(from_events(events, window))
    built = {done.unique_id for done in notes}
    if RECEIPT in built:
        counted = built_events(connection, build.build_id)
        for counted_day, rows in counted.items():
            # The UI's bar of partitions shows materializations only.
            for seen in (dg.AssetObservation, dg.AssetMaterialization):
                context.log_event(
                    seen(RAW_EVENTS, partition=counted_day.isoformat(), metadata={ROWS: rows})
                )
        views = [n for n in nodes().values() if n["config"]["materialized"] == "view"]
        notes += of_views([v for v in views if v["unique_id"] in built], counted)
        for built_day in window:
            why = {"why": build.reasons.get(built_day, "asked for")}
            context.add_asset_metadata(why, key(RECEIPT), built_day.isoformat())
        if not outcome.errors and utc_today() - ONE_DAY in window:
            context.log_event(dg.AssetMaterialization(NIGHTLY_BUILD))
    for unique_id, day, metadata in notes:
        context.add_asset_metadata(metadata, key(unique_id), day.isoformat() if day else None)


def record(context: dg.AssetExecutionContext, outcome: DbtOutcome, days: DayWindow) -> None:
    """Materializations of `days`, which stay built although the run does not come to its end."""
    for event in known(outcome.node_events):
        info = event["data"]["node_info"]
        if event["info"]["name"] != "LogTestResult" and info["node_status"] != "error":
            for day in days:
                context.log_event(
                    dg.AssetMaterialization(key(info["unique_id"]), partition=day.isoformat())
                )


def known(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of nodes that were in the manifest when this process began.

    dbt builds the project as it is now; what is new in it is an asset from the next process on.
    """
    nodes = manifest()["nodes"]
    return [event for event in events if event["data"]["node_info"]["unique_id"] in nodes]


class _Result(DbtCliEventMessage):
    """A result event of dbt Core: the class that says how one becomes an event of Dagster."""

    is_result_event = True

    def _get_check_passed(self) -> bool:
        return bool(self._get_node_status() == "pass")

    def _get_check_severity(self) -> dg.AssetCheckSeverity:
        is_warning = self._get_node_status() == "warn"
        return dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR


def events_of(context: dg.AssetExecutionContext, outcome: DbtOutcome) -> Iterator[Any]:
    """Dagster's events of each node of `outcome`: outputs of models and seeds, results of tests."""
    for event in known(outcome.node_events):
        yield from _Result(event, {}).to_default_asset_events(
            manifest(), EventmillTranslator(), context
        )
