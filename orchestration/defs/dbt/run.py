"""A run's days, built chunk by chunk. Between two chunks the lock of all builds is free."""

import time
from collections.abc import Sequence
from datetime import date

import dagster as dg
import psycopg

from eventmill.core.currency import settle_currency
from eventmill.core.database import BUILD_LOCK, advisory_lock
from eventmill.core.days import DayWindow, stretches
from eventmill.core.settings import get_settings
from orchestration.building import receipts
from orchestration.building.arguments import build_arguments
from orchestration.building.giving_way import giving_way
from orchestration.building.invocation import DbtOutcome, run_dbt
from orchestration.building.receipts import Order
from orchestration.defs.dbt.reports import note, record, selected
from orchestration.progress import how_far, report
from orchestration.project import target_path
from orchestration.rebuilding.identities import note_links
from orchestration.rebuilding.reasons import summary
from orchestration.runs import runs_to_resume
from orchestration.tags import NIGHT_TAG


def build_chunks(
    context: dg.AssetExecutionContext, connection: psycopg.Connection, window: DayWindow
) -> DbtOutcome:
    """Build `window`, but for what a run that this one repeats has built. All results as one.

    Stops at the first chunk that fails; those before it stay built.
    """
    is_whole = not context.is_subset
    if NIGHT_TAG in context.run.tags and is_whole:
        _note_links(context, connection)
    receipts.refuse_dropped_days(connection, window)
    settle_currency(connection)
    # A night need not wait for a year, and a crash costs one chunk.
    parts = stretches(window, get_settings().chunk_days)
    done = set()
    if is_whole:
        finished = receipts.finished_chunks(connection, runs_to_resume(context))
        done = {part for part in parts if part in finished}
    if done and len(done) == len(parts):
        done.remove(parts[-1])  # Dagster has to be told of every asset
    if done:
        context.log.info(
            f"{how_far(sum(map(len, done)), len(window))} were built before this run was resumed"
        )

    started, built, outcomes = time.monotonic(), 0, list[tuple[DayWindow, DbtOutcome]]()
    for number, part in enumerate(parts, start=1):
        if part in done:
            continue
        order = Order(
            run_id=context.run.run_id,
            root_run_id=context.run.root_run_id or context.run.run_id,
            window=part,
            chunk=number,
            chunks=len(parts),
            is_whole=is_whole,
        )
        outcome = _build(context, connection, order)
        if outcome.errors:
            for days, former in outcomes:
                record(context, former, days)
            if len(parts) > 1:
                outcome = outcome.only_tests()
            return outcome
        outcomes.append((part, outcome))
        done.add(part)
        built += len(part)
        if len(parts) > 1:
            ready, seconds = sum(map(len, done)), time.monotonic() - started
            report(context, how_far(ready, len(window), built, seconds))
    return DbtOutcome.together([outcome for _, outcome in outcomes])


def _build(
    context: dg.AssetExecutionContext, connection: psycopg.Connection, order: Order
) -> DbtOutcome:
    """One chunk: noted before dbt starts, and as built only when its tests have passed too."""
    window = order.window
    context.log.info(f"{window.first} to {window.last}, after any build that runs now")
    with advisory_lock(connection, BUILD_LOCK), target_path(order.run_id) as folder:
        build = receipts.begin(connection, order)
        if build.reasons:
            context.log.info(f"why: {summary(build.reasons)}")
        error = "interrupted"
        try:
            arguments = build_arguments(window, selected(context))
            with giving_way():
                outcome = run_dbt(arguments, folder, context.log.info)
            error = "; ".join(outcome.errors)
            if not error:
                receipts.finish(connection, build)
            note(context, connection, outcome, build)
        except dg.RetryRequested:
            error = "made room for an erasure"
            context.log.info(f"{error}: the days are built again in a moment")
            raise
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
            raise
        finally:
            if error:
                receipts.fail(connection, build, error)
    if not error and build.follow:
        context.log.info(f"to be built again for it: {_listed(sorted(build.follow))}")
    return outcome


def _note_links(context: dg.AssetExecutionContext, connection: psycopg.Connection) -> None:
    links, days = note_links(connection)
    if links:
        context.log.info(
            f"{links:,} new links between visitors and users: {_listed(days)} will be built again"
        )


def _listed(days: Sequence[date]) -> str:
    if len(days) <= 5:
        return ", ".join(map(str, days)) or "no day"
    return f"{len(days)} days from {days[0]} to {days[-1]}"
