"""The dbt models as assets: one invocation builds a run's days, under the lock of all builds."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt import dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from eventmill.currency import settle_currency
from eventmill.database import advisory_lock, connect
from eventmill.days import DayWindow
from orchestration.defs.dbt.arguments import build_arguments, selector
from orchestration.defs.dbt.invocation import BUILD_LOCK, DbtOutcome, run_dbt
from orchestration.defs.dbt.metadata import built_events, from_events, of_views
from orchestration.defs.dbt.translator import EventmillTranslator
from orchestration.defs.raw.assets import seen_by_build
from orchestration.partitions import built_days, daily, one_run_per_range
from orchestration.project import manifest, target_path
from orchestration.retries import no_retry_in_vain, passes, three_with_backoff

RECEIPT = "model.eventmill.daily_builds"


@dbt_assets(
    manifest=manifest(),
    dagster_dbt_translator=EventmillTranslator(),
    name="dbt_models",
    partitions_def=daily,
    backfill_policy=one_run_per_range,
    retry_policy=three_with_backoff,
    pool="dbt",
)
def dbt_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Build the run's days with dbt; every model, seed and test is reported to Dagster."""
    window = built_days(context)
    with (
        no_retry_in_vain(),
        connect(autocommit=True, application="eventmill build") as connection,
    ):
        context.log.info(f"{window.first} to {window.last}, after any build that runs now")
        with advisory_lock(connection, BUILD_LOCK), target_path(context.run.run_id) as folder:
            settle_currency(connection)
            outcome = run_dbt(build_arguments(window, _selected(context)), folder, context.log.info)
            _note(context, connection, outcome, window)
    for event in outcome.node_events:
        yield from DbtCoreCliEventMessage(event, {}).to_default_asset_events(
            manifest(), EventmillTranslator(), context
        )
    if outcome.errors:
        message = "; ".join(outcome.errors)
        raise dg.Failure(description=message, allow_retries=passes(message))


def _nodes() -> dict[str, Mapping[str, Any]]:
    """Models and seeds of the manifest by unique id."""
    nodes = manifest()["nodes"]
    return {k: v for k, v in nodes.items() if v["resource_type"] in {"model", "seed"}}


def _key(unique_id: str) -> dg.AssetKey:
    return EventmillTranslator().get_asset_key(_nodes()[unique_id])


def _selected(context: dg.AssetExecutionContext) -> list[str] | None:
    """dbt selectors of the assets that a run was limited to, or None for all of them."""
    if not context.is_subset:
        return None
    keys = context.selected_asset_keys
    return [selector(node) for name, node in _nodes().items() if _key(name) in keys]


def _note(
    context: dg.AssetExecutionContext,
    connection: psycopg.Connection,
    outcome: DbtOutcome,
    window: DayWindow,
) -> None:
    """Rows and seconds of each asset, and what the build saw of raw.events."""
    notes = list(from_events(outcome.events, window))
    built = {note.unique_id for note in notes}
    if RECEIPT in built:
        events = built_events(connection, window)
        for event in seen_by_build(events):
            context.log_event(event)
        views = [n for n in _nodes().values() if n["config"]["materialized"] == "view"]
        notes += of_views(connection, [v for v in views if v["unique_id"] in built], events)
    for unique_id, day, metadata in notes:
        context.add_asset_metadata(metadata, _key(unique_id), day.isoformat() if day else None)
