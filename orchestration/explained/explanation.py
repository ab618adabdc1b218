"""Collects everything that is known of a number, as plain values by name."""

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from eventmill.core.errors import ConfigurationError
from eventmill.core.relations import has_builds, is_there
from orchestration.explained import queries
from orchestration.explained.causes import causes
from orchestration.explained.question import METRICS, Question, Row
from orchestration.rebuilding.reasons import reasons_of


def explanation(asked: Question, shown: int) -> dict[str, Any]:
    """What is known of the numbers asked about; `shown` is how many events are listed.

    Raises ConfigurationError if nothing was ever built and dbt's views are missing too.
    """
    if not is_there(asked.connection, "marts.metric_definitions"):
        raise ConfigurationError("there are no metrics yet: run `eventmill up` or a backfill")
    is_known = has_builds(asked.connection)
    receipt = next(iter(asked.rows(queries.RECEIPT)), None) if is_known else None
    row = next(iter(asked.rows(queries.BUILT_ROW)), None) if receipt else None
    names = [asked.metric] if asked.metric else list(METRICS)
    numbers = row or {} if receipt else asked.rows(queries.LIVE)[0]
    definitions = asked.rows(queries.DEFINITIONS, names=names)
    return {
        "table": "daily_metrics",
        "date": asked.day,
        "entity": asked.ids,
        "numbers": {name: numbers.get(name, 0) for name in names},
        "is_built": receipt is not None,
        "receipt": receipt,
        "waits": reasons_of(asked.connection, [asked.day]).get(asked.day),
        "definitions": {found.pop("metric"): found for found in definitions},
        "events": _events(asked, shown),
        "changes": list(_changes(asked, names, row)) if is_known else [],
    }


def _events(asked: Question, shown: int) -> dict[str, Any]:
    listing = asked.sql(queries.LISTING).as_string(asked.connection)
    by_type = asked.rows(queries.BY_TYPE)
    return {
        "by_type": {row["event_type"]: row["events"] for row in by_type},
        "bots_left_out": asked.rows(queries.BOTS)[0],
        "first": asked.rows(queries.LISTING + "limit {shown}", shown=shown),
        "list_all": f"eventmill psql -- -c {shlex.quote(listing)}",
    }


def _changes(asked: Question, names: list[str], row: Row | None) -> Iterator[dict[str, Any]]:
    """Each time that a rebuild changed one of the numbers, oldest first, and why."""
    receipts = asked.rows(queries.RECEIPTS)
    for old, new, moment in _states(asked.rows(queries.CHANGES), row, receipts):
        before = [receipt for receipt in receipts if receipt["built_at"] < moment]
        after = [receipt for receipt in receipts if receipt["built_at"] >= moment]
        values = {name: [old.get(name, 0), new.get(name, 0)] for name in names}
        changed = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
        if changed:
            why = list(causes(asked, before[-1], after[0])) if before and after else []
            yield {"at": moment, "changed": changed, "causes": why}


def _states(
    kept: list[Row], row: Row | None, receipts: list[Row]
) -> Iterator[tuple[Row, Row, datetime]]:
    """The row before and after each rebuild that changed it, {} where there was none, and when."""
    if not kept and row and any(receipt["built_at"] < row["created_at"] for receipt in receipts):
        yield {}, row, row["created_at"]
    for number, old in enumerate(kept):
        later = kept[number + 1] if number + 1 < len(kept) else row or {}
        yield old, {} if old["was_removed"] else later, old["replaced_at"]
