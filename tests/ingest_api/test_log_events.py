"""Event ids of log lines, in bounded memory."""

import uuid

import pytest

from ingest_api import log_events
from ingest_api.access_log import LogLine, parse_line
from ingest_api.log_events import LogEvents, LogOptions


def line(number: int, host: str = "203.0.113.1") -> LogLine:
    return parse_line(f'{host} - - [17/May/2015:10:05:03 +0000] "GET /{number} HTTP/1.1" 200 1')


def ids(*lines: LogLine) -> list[str]:
    events = LogEvents(LogOptions())
    return [events.event(one)["event_id"] for one in lines]


def test_ids_are_stable_distinct_and_know_no_address() -> None:
    first = ids(line(1), line(1), line(2), line(1))
    assert len(set(first)) == 4
    assert all(uuid.UUID(text).version == 5 for text in first)
    assert ids(line(1, "198.51.100.1"), line(1), line(2), line(1)) == first
    # This very value is in databases: another one would import every log a second time.
    assert first[0] == "49ac56cc-9b0d-5e74-9d38-1dddc5a5fd48"


def test_only_so_many_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "REMEMBERED", 10)
    events = LogEvents(LogOptions())
    near = [events.event(line(number))["event_id"] for number in (1, *range(100, 115), 1)]
    assert near[0] != near[-1]
    far = [events.event(line(number))["event_id"] for number in (2, *range(200, 230), 2)]
    assert far[0] == far[-1]
