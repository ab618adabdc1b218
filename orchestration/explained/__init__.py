"""Where a number of daily_metrics comes from: definition, receipt, events, and its changes."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import psycopg

from eventmill.core.errors import ConfigurationError
from orchestration.explained import queries
from orchestration.explained.causes import causes
from orchestration.explained.entity import METRICS, Entity
from orchestration.rebuilding.reasons import reasons_of
from orchestration.relations import has_builds

__all__ = ["METRICS", "Entity", "explanation"]


def explanation(
    connection: psycopg.Connection, day: date, entity: Entity, metric: str | None, shown: int
) -> dict[str, Any]:
    """All that is known of the numbers of `entity` on `day`, as plain values by name.

    `metric` limits numbers and events to one; `shown` is how many events are listed. Raises
    ConfigurationError if nothing was ever built and dbt's views are missing too.
    """
    if queries.scalar(connection, "select to_regclass('marts.metric_definitions')") is None:
        raise ConfigurationError("there are no metrics yet: run `eventmill up` or a backfill")
    is_known = has_builds(connection)
    receipt = queries.receipt(connection, day) if is_known else None
    live = queries.live_numbers(connection, day, entity)
    row = queries.built_row(connection, day, entity) if receipt else None
    names = [metric] if metric else list(METRICS)
    built = {name: (row or {}).get(name, 0) for name in names} if receipt else None
    return {
        "table": "daily_metrics",
        "date": day,
        "entity": entity.ids(),
        "numbers": built or {name: live[name] for name in names},
        "is_built": receipt is not None,
        "receipt": receipt,
        "waits": reasons_of(connection, [day]).get(day),
        "definitions": queries.definitions(connection, names),
        "events": _events(connection, day, entity, metric, shown),
        "changes": _changes(connection, day, entity, names, row) if is_known else [],
    }


def _events(
    connection: psycopg.Connection, day: date, entity: Entity, metric: str | None, shown: int
) -> dict[str, Any]:
    listing = queries.listing(day, entity, metric).as_string(connection)
    return {
        "by_type": queries.by_type(connection, day, entity, metric),
        "bots_left_out": queries.bots(connection, day, entity),
        "first": queries.first_events(connection, day, entity, metric, shown),
        "list_all": f"eventmill psql -- -c {_quoted(listing)}",
    }


def _changes(
    connection: psycopg.Connection,
    day: date,
    entity: Entity,
    names: list[str],
    row: dict[str, Any] | None,
) -> list[dict[str, Any]]:
    """Each time that a rebuild changed one of the numbers, oldest first, and why."""
    kept = queries.changes(connection, day, entity)
    receipts = queries.receipts(connection, day)
    changes = []
    for old, new, moment in _states(kept, row, receipts):
        before = [receipt for receipt in receipts if receipt["built_at"] < moment]
        after = [receipt for receipt in receipts if receipt["built_at"] >= moment]
        values = {name: [old.get(name, 0), new.get(name, 0)] for name in names}
        changed = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
        if changed:
            why = causes(connection, day, entity, before[-1], after[0]) if before and after else []
            changes.append({"at": moment, "changed": changed, "causes": why})
    return changes


def _states(
    kept: list[queries.Row], row: queries.Row | None, receipts: list[queries.Row]
) -> Iterator[tuple[queries.Row, queries.Row, datetime]]:
    """The row before and after each rebuild that changed it, {} where there was none, and when."""
    if not kept and row and any(receipt["built_at"] < row["created_at"] for receipt in receipts):
        yield {}, row, row["created_at"]
    for number, old in enumerate(kept):
        later = kept[number + 1] if number + 1 < len(kept) else row or {}
        yield old, {} if old["was_removed"] else later, old["replaced_at"]


def _quoted(text: str) -> str:
    """`text` as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
