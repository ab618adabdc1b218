"""What Dagster is told of a build: materializations, checks, rows and seconds."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from eventmill.core.days import DayWindow
from orchestration.defs.builds.receipts import Build
from orchestration.defs.dbt.arguments import selector
from orchestration.defs.dbt.invocation import DbtOutcome
from orchestration.defs.dbt.metadata import built_events, from_events, of_views
from orchestration.defs.dbt.translator import EventmillTranslator
from orchestration.defs.raw.assets import seen_by_build
from orchestration.project import manifest

RECEIPT = "model.eventmill.build_receipts"


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
    notes = list(from_events(outcome.events, build.order.window))
    built = {done.unique_id for done in notes}
    if RECEIPT in built:
        events = built_events(connection, build.build_id)
        for event in seen_by_build(events):
            context.log_event(event)
        views = [n for n in nodes().values() if n["config"]["materialized"] == "view"]
        notes += of_views([v for v in views if v["unique_id"] in built], events)
        for built_day in build.order.window:
            why = {"why": build.reasons.get(built_day, "asked for")}
            context.add_asset_metadata(why, key(RECEIPT), built_day.isoformat())
    for unique_id, day, metadata in notes:
        context.add_asset_metadata(metadata, key(unique_id), day.isoformat() if day else None)


def record(context: dg.AssetExecutionContext, outcome: DbtOutcome, days: DayWindow) -> None:
    """Materializations of `days`, which stay built although the run does not come to its end."""
    for event in outcome.node_events:
        info = event["data"]["node_info"]
        if event["info"]["name"] != "LogTestResult" and info["node_status"] != "error":
            for day in days:
                context.log_event(
                    dg.AssetMaterialization(key(info["unique_id"]), partition=day.isoformat())
                )


def events_of(context: dg.AssetExecutionContext, outcome: DbtOutcome) -> Iterator[Any]:
    """Dagster's events of each node of `outcome`: outputs of models and seeds, results of tests."""
    for event in outcome.node_events:
        yield from DbtCoreCliEventMessage(event, {}).to_default_asset_events(
            manifest(), EventmillTranslator(), context
        )
