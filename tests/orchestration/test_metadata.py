"""Rows and seconds out of dbt's events."""

from datetime import date
from typing import Any

from eventmill.core.days import DayWindow
from orchestration.defs.dbt.metadata import Built, from_events

WINDOW = DayWindow(date(2024, 2, 28), date(2024, 3, 1))


def _event(name: str, unique_id: str, status: str, **data: Any) -> dict[str, Any]:
    node = {"unique_id": unique_id, "node_status": data.pop("node_status", "success")}
    return {
        "info": {"name": name},
        "data": {"node_info": node, "status": status, "execution_time": 1.234, **data},
    }


def test_a_batch_is_a_day_with_its_rows() -> None:
    events = [
        _event("LogBatchResult", "m", "INSERT 0 42", batch_index=1, total_batches=3),
        _event("LogBatchResult", "m", "INSERT 0 0", batch_index=3, total_batches=3),
        _event("LogModelResult", "m", "SUCCESS"),
    ]
    assert list(from_events(events, WINDOW)) == [
        Built("m", date(2024, 2, 28), {"seconds": 1.23, "dagster/partition_row_count": 42}),
        Built("m", date(2024, 3, 1), {"seconds": 1.23, "dagster/partition_row_count": 0}),
        Built("m", None, {"seconds": 1.23}),
    ]


def test_a_seed_tells_its_rows_and_a_view_its_seconds() -> None:
    events = [
        _event("LogSeedResult", "s", "success", result_message="INSERT 819"),
        _event("LogModelResult", "v", "CREATE VIEW"),
    ]
    assert list(from_events(events, WINDOW)) == [
        Built("s", None, {"seconds": 1.23, "dagster/row_count": 819}),
        Built("v", None, {"seconds": 1.23}),
    ]


def test_what_failed_and_tests_are_left_out() -> None:
    events = [
        _event("LogModelResult", "m", "ERROR", node_status="error"),
        _event("LogTestResult", "t", "pass", node_status="pass"),
    ]
    assert list(from_events(events, WINDOW)) == []
