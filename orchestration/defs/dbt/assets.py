"""The dbt models as assets: one invocation a chunk of days, under the lock of all builds."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.defs.dbt.reports import events_of
from orchestration.defs.dbt.run import build_chunks
from orchestration.defs.dbt.translator import EventmillTranslator
from orchestration.partitions import built_days, daily, one_run_per_range
from orchestration.project import manifest, prepare_manifest
from orchestration.retries import database, passes, three_with_backoff


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
    if prepare_manifest():
        context.log.info("the dbt project has changed: reload the code location to see what is new")
    with database("eventmill build") as connection:
        outcome = build_chunks(context, connection, window)
    yield from events_of(context, outcome)
    if outcome.errors:
        message = "; ".join(outcome.errors)
        raise dg.Failure(description=message, allow_retries=passes(message))
