"""Imports an access log: sends its lines as requests, and counts what became of each."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ingest_api.access_log import LineError, parse_line
from ingest_api.log_events import LogEvents, LogOptions, skip_reason
from ingest_api.log_files import MAX_LINE_BYTES, LogFile
from ingest_api.log_sinks import Event, Sink
from ingest_api.partitions import MOST_NEW_DAYS

EVENTS_A_REQUEST = 500
# Requests on their way at once, so that the next is made while one is being committed.
IN_FLIGHT = 4
# Lines with a problem that are listed; the rest are counted.
LISTED = 20


@dataclass
class Problems:
    """Lines that something is wrong with: how many, and the first of them."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append((line, reason))

    def as_dict(self) -> dict[str, Any]:
        listed = [{"line": line, "reason": reason} for line, reason in self.first]
        return {"count": self.count, "first": listed}


@dataclass
class Summary:
    """What became of every line: `lines` is the sum of all the others' counts."""

    lines: int = 0
    imported: int = 0
    duplicate: int = 0
    blank: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    unparsable: Problems = field(default_factory=Problems)
    rejected: Problems = field(default_factory=Problems)
    unknown_columns: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Column number → (first line that has it, how many have it). These lines count as usual."""
    damage: str | None = None

    def as_dict(self) -> dict[str, Any]:
        columns = [
            {"column": column, "first_line": first, "lines": lines}
            for column, (first, lines) in sorted(self.unknown_columns.items())
        ]
        problems = {n: getattr(self, n).as_dict() for n in ("unparsable", "rejected")}
        return {**vars(self), **problems, "unknown_columns": columns}


@dataclass
class Import:
    """Sends a log's events to a sink in requests; `progress` is called after each."""

    log: LogFile
    options: LogOptions
    sink: Sink
    progress: Callable[[Summary], None]
    summary: Summary = field(default_factory=Summary)

    def __post_init__(self) -> None:
        self._events = LogEvents(self.options)

    async def run(self) -> Summary:
        """Raises what the sink raises if it can take no more; what was sent is stored."""
        limit = asyncio.Semaphore(IN_FLIGHT)
        try:
            async with asyncio.TaskGroup() as tasks:
                request = _Request()
                for number, line in enumerate(self.log, 1):
                    self.summary.lines = number
                    self._read(number, line, request)
                    if (
                        len(request.events) >= EVENTS_A_REQUEST
                        or len(request.days) == MOST_NEW_DAYS
                    ):
                        await limit.acquire()
                        tasks.create_task(self._send(request, limit))
                        request = _Request()
                if request.events:
                    await limit.acquire()
                    tasks.create_task(self._send(request, limit))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        self.summary.damage = self.log.damage
        return self.summary

    def _read(self, number: int, text: str | None, request: "_Request") -> None:
        summary = self.summary
        if text is None:
            summary.unparsable.add(number, f"longer than {MAX_LINE_BYTES:,} bytes")
            return
        if not text or text.isspace():
            summary.blank += 1
            return
        try:
            line = parse_line(text)
        except LineError as error:
            summary.unparsable.add(number, str(error))
            return
        for column in line.unknown_columns:
            first, lines = summary.unknown_columns.get(column, (number, 0))
            summary.unknown_columns[column] = (first, lines + 1)
        if not self.options.all_requests and (reason := skip_reason(line)):
            summary.skipped[reason] += 1
            return
        request.lines.append(number)
        request.events.append(self._events.event(line))
        request.days.add(line.time[:10])
        request.addresses.append(line.host)

    async def _send(self, request: "_Request", limit: asyncio.Semaphore) -> None:
        try:
            results = await self.sink(request.events, request.addresses)
        finally:
            limit.release()
        for number, result in zip(request.lines, results, strict=True):
            if result.status == "accepted":
                self.summary.imported += 1
            elif result.status == "duplicate":
                self.summary.duplicate += 1
            elif result.status == "dropped":
                self.summary.skipped["dropped by the service"] += 1
            else:
                reason = "; ".join(f"{e.field}: {e.message}" for e in result.errors)
                self.summary.rejected.add(number, reason)
        self.progress(self.summary)


@dataclass
class _Request:
    lines: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    days: set[str] = field(default_factory=set)
