"""What happens to events: each is judged, read, told its visitor, stored, and answered for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eventmill.core.errors import FieldError
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS, EventRow, with_visitor
from ingest_api import permissions
from ingest_api.batch import RejectedRow
from ingest_api.commits import Outcome, Refused
from ingest_api.countries import Countries
from ingest_api.delivery import Delivery
from ingest_api.event_ids import new_event_id, normal_event_id
from ingest_api.events import read_event
from ingest_api.identities import KnownLinks, Link, links_of
from ingest_api.metrics import Metrics
from ingest_api.partitions import day_of
from ingest_api.privacy import scrubbed
from ingest_api.rejected import rejected_row
from ingest_api.skew import shifted
from ingest_api.visitors import VisitorSalts, visitor_hash
from ingest_api.writer import Writer

Status = Literal["accepted", "duplicate", "rejected", "dropped"]
STATUSES: tuple[Status, ...] = ("accepted", "duplicate", "rejected", "dropped")


@dataclass(slots=True)
class Result:
    """What became of one event. `event_id` is None if it has no readable id and is not stored."""

    event_id: str | None
    status: Status
    errors: Sequence[FieldError] = ()
    warnings: Sequence[FieldError] = ()
    refused: bool = False
    """Rejected because its sender may not send it."""
    clock_skew_seconds: int = 0

    def as_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"event_id": self.event_id, "status": self.status}
        if self.errors:
            answer["errors"] = [error.as_dict() for error in self.errors]
        if self.warnings:
            answer["warnings"] = [warning.as_dict() for warning in self.warnings]
        if self.clock_skew_seconds:
            answer["clock_skew_seconds"] = self.clock_skew_seconds
        return answer


@dataclass(slots=True)
class _Judged:
    """One event on its way: a row to store, or why there is none."""

    sent: object
    address: str
    row: EventRow | None = None
    event_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    refused: bool = False
    skew: int = 0


class IngestService:
    """The one way into `raw.events`, for HTTP requests, imports and replays."""

    def __init__(
        self, writer: Writer, salts: VisitorSalts, countries: Countries, metrics: Metrics
    ) -> None:
        self._writer = writer
        self._salts = salts
        self._countries = countries
        self._known_links = KnownLinks()
        self._metrics = metrics

    async def ingest(
        self,
        events: Sequence[object],
        delivery: Delivery,
        addresses: Iterable[str],
        links: Sequence[Link] = (),
    ) -> list[Result]:
        """Store `events` and say of each, in their order, what became of it.

        `addresses` are the senders' IP addresses, one for each event; they end in a keyed hash and
        a country and nowhere else. `links` come from calls that are no events. Returns only when
        every accepted event, every refused one and every link is durable. Raises Unavailable if
        there is nowhere durable to write; then sending all of them again is safe.
        """
        if delivery.opted_out:
            return self._counted(delivery, [_dropped(event) for event in events])
        judged = []
        for event, address in zip(events, addresses, strict=False):
            one = _judge(event, address, delivery)
            if (row := one.row) is not None:
                visitor_id, country = self._whereabouts(row, address, delivery)
                if not visitor_id:
                    visitor_id = await self._visitor(day_of(row), address, row.user_agent)
                one.row = scrubbed(with_visitor(row, visitor_id, country))
            judged.append(one)
        rows = [one.row for one in judged if one.row is not None]
        found = self._known_links.new([*links, *links_of(rows, delivery.sender)])
        rejected = [await self._kept(one, delivery) for one in judged if one.row is None]
        outcomes = iter(await self._writer.write(rows, _to_keep(rejected, delivery), found))
        self._known_links.remember(found)
        unstorable: list[RejectedRow] = []
        results = []
        for one in judged:
            outcome = next(outcomes) if one.row is not None else False
            if isinstance(outcome, Refused):
                one.errors = [FieldError("event", f"cannot be stored: {outcome.reason}")]
                unstorable.append(await self._kept(one, delivery))
            results.append(_result(one, outcome))
        if unstorable:
            await self._writer.write((), _to_keep(unstorable, delivery))
        return self._counted(delivery, results)

    def _counted(self, delivery: Delivery, results: list[Result]) -> list[Result]:
        key = delivery.sender.key_id or delivery.sender.kind
        for status, count in Counter([result.status for result in results]).items():
            self._metrics.events.labels(status, key).inc(count)
        return results

    def _whereabouts(self, row: EventRow, address: str, delivery: Delivery) -> tuple[str, str]:
        """The row's visitor, "" if there is no id of any, and its country."""
        if (kept := delivery.replay) is not None:
            return row.visitor_id or kept.visitor_id, kept.country
        return row.visitor_id, self._countries.of(address)

    async def _kept(self, one: _Judged, delivery: Delivery) -> RejectedRow:
        """A refused event as it is kept, with what its replay will not know: where it came from."""
        event_id = one.event_id or new_event_id()
        if delivery.replay is not None:
            return rejected_row(one.sent, event_id, "", "", one.errors, delivery)
        agent = _user_agent(one.sent) or delivery.receipt.user_agent
        day = one.row.occurred_at[:10] if one.row else delivery.receipt.received_text[:10]
        visitor_id = await self._visitor(day, one.address, agent)
        country = self._countries.of(one.address)
        return rejected_row(one.sent, event_id, visitor_id, country, one.errors, delivery)

    async def _visitor(self, day: str, address: str, user_agent: str) -> str:
        return visitor_hash(await self._salts.of_day(day), address, user_agent)


def _judge(sent: object, address: str, delivery: Delivery) -> _Judged:
    """What the sender may not do, what the clock needs, and what is wrong with the event."""
    one = _Judged(sent, address)
    event = sent
    if isinstance(event, dict):
        event, not_allowed = permissions.apply(event, delivery.sender)
        if not_allowed:
            one.errors, one.refused, one.event_id = not_allowed, True, _readable_id(sent)
            return one
        event, one.skew = shifted(event, delivery.receipt)
    reading = read_event(event, delivery.receipt)
    one.row, one.event_id = reading.row, reading.event_id
    one.errors, one.warnings = reading.errors, reading.warnings
    return one


def _result(one: _Judged, outcome: Outcome) -> Result:
    if one.errors:
        return Result(one.event_id, "rejected", one.errors, one.warnings, one.refused)
    status: Status = "accepted" if outcome is True else "duplicate"
    if outcome is None:
        status = "dropped"
    return Result(one.event_id, status, (), one.warnings, clock_skew_seconds=one.skew)


def _dropped(event: object) -> Result:
    return Result(_readable_id(event), "dropped")


def _to_keep(rejected: Sequence[RejectedRow], delivery: Delivery) -> Sequence[RejectedRow]:
    """What a replay refuses again is kept already."""
    return rejected if delivery.replay is None else ()


def _readable_id(event: object) -> str | None:
    """The id that an event would be stored under, if it names one that can be."""
    sent = event.get("event_id") if isinstance(event, dict) else None
    if not isinstance(sent, str) or not sent or len(sent) > MAX_ID_CHARACTERS:
        return None
    return normal_event_id(sent) if text_problem(sent) is None else None


def _user_agent(event: object) -> str:
    context = event.get("context") if isinstance(event, dict) else None
    found = context.get("user_agent") if isinstance(context, dict) else None
    return found if isinstance(found, str) else ""
