"""What happens to events: each is read and checked, told its visitor, stored, and answered for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eventmill.envelope import EventRow
from eventmill.errors import FieldError
from eventmill.events import Reading, Receipt, read_event
from ingest_api.metrics import Metrics
from ingest_api.partitions import day_of
from ingest_api.visitors import VisitorSalts, visitor_hash
from ingest_api.writer import Outcome, Refused, Writer

Status = Literal["accepted", "duplicate", "rejected", "dropped"]
STATUSES: tuple[Status, ...] = ("accepted", "duplicate", "rejected", "dropped")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one event. `event_id` is None if it has no readable id and was rejected."""

    event_id: str | None
    status: Status
    errors: Sequence[FieldError] = ()
    warnings: Sequence[FieldError] = ()

    def as_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"event_id": self.event_id, "status": self.status}
        if self.errors:
            answer["errors"] = [error.as_dict() for error in self.errors]
        if self.warnings:
            answer["warnings"] = [warning.as_dict() for warning in self.warnings]
        return answer


class IngestService:
    """The one way into `raw.events`, for HTTP requests and for imports."""

    def __init__(self, writer: Writer, salts: VisitorSalts, metrics: Metrics) -> None:
        self._writer = writer
        self._salts = salts
        self._metrics = metrics

    async def ingest(
        self, events: Sequence[object], receipt: Receipt, addresses: Iterable[str]
    ) -> list[Result]:
        """Store `events` and say of each, in their order, what became of it.

        `addresses` are the senders' IP addresses, one for each event; they end in a keyed hash and
        nowhere else. Returns only when every accepted event is durable. Raises Unavailable if
        there is nowhere durable to write; then sending all of them again is safe.
        """
        readings: list[Reading] = []
        rows: list[EventRow] = []
        for event, address in zip(events, addresses, strict=False):
            reading = read_event(event, receipt)
            readings.append(reading)
            if reading.row is not None:
                if not reading.row.visitor_id:
                    reading.row = await self._with_visitor(reading.row, address)
                rows.append(reading.row)
        outcomes = iter(await self._writer.write(rows))
        results = [_result(reading, outcomes) for reading in readings]
        for status, count in Counter([result.status for result in results]).items():
            self._metrics.events.labels(status).inc(count)
        return results

    async def _with_visitor(self, row: EventRow, address: str) -> EventRow:
        salt = await self._salts.of_day(day_of(row))
        return row._replace(visitor_id=visitor_hash(salt, address, row.user_agent))


def _result(reading: Reading, outcomes: Iterable[Outcome]) -> Result:
    if reading.row is None:
        return Result(reading.event_id, "rejected", reading.errors, reading.warnings)
    outcome = next(iter(outcomes))
    if isinstance(outcome, Refused):
        refusal = [FieldError("event", f"cannot be stored: {outcome.reason}")]
        return Result(reading.event_id, "rejected", refusal, reading.warnings)
    status: Status = "accepted" if outcome else "duplicate"
    return Result(reading.event_id, status, (), reading.warnings)
