"""Rows and seconds of what dbt built, for each asset and, where it knows days, each day."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from eventmill.core.days import DayWindow

Event = Mapping[str, Any]
Node = Mapping[str, Any]


class Built(NamedTuple):
    """What to note of a node: of one day of it, or with `day` None of all that was built."""

    unique_id: str
    day: date | None
    metadata: dict[str, Any]


# Their views with days show every event of a day.
LAYERS_OF_EVENTS = {"staging", "intermediate"}
# PostgreSQL's command tag, as dbt gives it for models and, its own, for seeds: INSERT 42.
_ROWS = re.compile(r"(?:INSERT 0|INSERT|SELECT) (\d+)")


def from_events(events: Sequence[Event], window: DayWindow) -> Iterator[Built]:
    """What dbt's result events say: seconds of each node, rows and seconds of each batch.

    A batch is a day: microbatch models of this project have `batch_size: day`.
    """
    for event in events:
        data = event["data"]
        if event["info"]["name"] == "LogTestResult" or data["node_info"]["node_status"] == "error":
            continue
        metadata: dict[str, Any] = {"seconds": round(data["execution_time"], 2)}
        rows = _ROWS.fullmatch(data.get("result_message") or data["status"])
        if event["info"]["name"] == "LogBatchResult":
            if rows:
                metadata["dagster/partition_row_count"] = int(rows[1])
            day = window.first + timedelta(days=data["batch_index"] - 1)
            yield Built(data["node_info"]["unique_id"], day, metadata)
        else:
            if rows:
                metadata["dagster/row_count"] = int(rows[1])
            yield Built(data["node_info"]["unique_id"], None, metadata)


def of_views(views: Sequence[Node], events: Mapping[date, int]) -> Iterator[Built]:
    """Rows of views that show events: as many as the `events` that a day holds.

    Of others nobody knows without reading all of their days, after each build.
    """
    for node in views:
        if node["config"].get("event_time") and node["fqn"][1] in LAYERS_OF_EVENTS:
            for day, rows in events.items():
                yield Built(node["unique_id"], day, {"dagster/partition_row_count": rows})


def built_events(connection: psycopg.Connection, build_id: UUID) -> dict[date, int]:
    """Events of each day by the receipts of a build."""
    rows = connection.execute(
        "select date, events from marts.build_receipts where build_id = %s order by date",
        (build_id,),
    )
    return dict(rows.fetchall())
