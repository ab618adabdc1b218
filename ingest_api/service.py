"""Handles the events of a request: checks rights, reads, finds the visitor, stores, answers."""

from collections import Counter
from collections.abc import Sequence

from eventmill.core.errors import FieldError
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS, EventRow, with_visitor
from eventmill.core.trust import Trust
from ingest_api import permissions
from ingest_api.arrival import Arrival, Whereabouts
from ingest_api.batch import Batch, RejectedRow
from ingest_api.collisions import Met
from ingest_api.commits import Unstorable
from ingest_api.countries import Countries
from ingest_api.event_ids import new_event_id, normal_event_id
from ingest_api.events import Result, Status, read_event
from ingest_api.identities import KnownLinks, Link, links_of
from ingest_api.keys import key_label
from ingest_api.long_requests import apart
from ingest_api.metrics import Metrics
from ingest_api.partitions import MOST_NEW_DAYS, NewDays, day_of
from ingest_api.privacy import scrubbed
from ingest_api.rejected import rejected_row
from ingest_api.skew import shifted
from ingest_api.strangers import Strangers
from ingest_api.visitors import VisitorSalts, visitor_hash
from ingest_api.writer import Writer

DIFFERS = "differs from the event that is stored under this event_id; the stored one stays"
STATUS_OF: dict[bool | None, Status] = {True: "accepted", False: "duplicate", None: "dropped"}


class IngestService:
    """The one way into `raw.events`, for HTTP requests, imports and replays."""

    def __init__(
        self,
        writer: Writer,
        new_days: NewDays,
        salts: VisitorSalts,
        countries: Countries,
        metrics: Metrics,
    ) -> None:
        self._writer = writer
        self._new_days = new_days
        self._salts = salts
        self._countries = countries
        self._known_links = KnownLinks()
        self._strangers = Strangers()
        self._metrics = metrics

    async def ingest(
        self,
        arrival: Arrival,
        events: Sequence[object],
        links: Sequence[Link] = (),
        addresses: Sequence[str] | None = None,
    ) -> list[Result]:
        """Store `events` and say of each, in their order, what became of it.

        `links` come from calls that are no events. `addresses` are the visitors', one for each
        event, where they are not all the arrival's. Returns only when every accepted event, every
        rejected one and every link is durable. Raises Unavailable if there is nowhere durable to
        write; then sending all of them again is safe.
        """
        if arrival.opted_out:
            results = [Result(_readable_id(event, arrival), "dropped") for event in events]
            return self._counted(arrival, results)
        if addresses is None:
            addresses = [arrival.address] * len(events)
        results = await apart(arrival.is_long, _judge_all, events, arrival)
        await self._make_days(results, arrival)
        places = [
            await self._place(event, address, result, arrival)
            for event, address, result in zip(events, addresses, results, strict=True)
        ]
        rows, rejected = await apart(arrival.is_long, _as_kept, events, results, places, arrival)
        if arrival.sender.trust is Trust.PUBLISHABLE and arrival.first is None:
            taken = [
                (address, result.warnings)
                for address, result in zip(addresses, results, strict=True)
                if result.row is not None
            ]
            rows = [
                self._strangers.bounded(row, address, warnings)
                for row, (address, warnings) in zip(rows, taken, strict=True)
            ]
            kept = [row for row in rejected if self._strangers.may_keep(row)]
            self._metrics.unkept_rejected.inc(len(rejected) - len(kept))
            rejected = kept
        new_links = self._known_links.new([*links, *links_of(rows, arrival.sender)])
        outcomes = iter(await self._writer.write(Batch(rows, rejected, new_links)))
        self._known_links.remember(new_links)
        unstorable = []
        for event, address, result in zip(events, addresses, results, strict=True):
            if result.row is None:
                continue
            outcome = next(outcomes)
            if isinstance(outcome, Met):
                self._note(result, outcome)
                continue
            if not isinstance(outcome, Unstorable):
                result.status = STATUS_OF[outcome]
                continue
            result.status = "rejected"
            result.errors = [FieldError("event", f"cannot be stored: {outcome.reason}")]
            if arrival.first is None:
                place = await self._rejected_place(event, address, result, arrival)
                unstorable.append(_rejected(event, result, place, arrival))
        if unstorable:
            await self._writer.write(Batch(rejected=unstorable))
        return self._counted(arrival, results)

    def _note(self, result: Result, met: Met) -> None:
        """Answer for an event whose id was stored before it."""
        result.event_id, result.status = met.event_id, STATUS_OF[met.is_new]
        result.warnings += [FieldError(name, DIFFERS) for name in met.differing]
        if met.differing:
            self._metrics.differing_duplicates.inc()

    async def _make_days(self, results: Sequence[Result], arrival: Arrival) -> None:
        """Partitions for the rows; a result whose day would be one too many is rejected."""
        days = {day_of(result.row) for result in results if result.row is not None}
        too_many = await self._new_days.make(days, arrival.most_new_days)
        if not too_many:
            return
        for result in results:
            if result.row is not None and (day := day_of(result.row)) in too_many:
                message = (
                    f"is on {day}, of which nothing is stored yet, and a request may begin"
                    f" {MOST_NEW_DAYS} such days: send it again in the next request"
                )
                result.status, result.row = "rejected", None
                result.errors = [FieldError("occurred_at", message)]

    def _counted(self, arrival: Arrival, results: list[Result]) -> list[Result]:
        key_id = arrival.sender.key_id
        key = key_label(key_id) if key_id else arrival.sender.kind
        for status, count in Counter([result.status for result in results]).items():
            self._metrics.events.labels(status, key).inc(count)
        return results

    async def _place(
        self, event: object, address: str, result: Result, arrival: Arrival
    ) -> Whereabouts:
        """Who is counted for an event, and where they were."""
        if (row := result.row) is None:
            # What a replay rejects again is kept already.
            return arrival.first or await self._rejected_place(event, address, result, arrival)
        known, country = arrival.first or ("", self._countries.of(address))
        visitor_id = row.visitor_id or known
        if not visitor_id:
            visitor_id = await self._visitor(day_of(row), address, row.user_agent)
        return Whereabouts(visitor_id, country)

    async def _rejected_place(
        self, event: object, address: str, result: Result, arrival: Arrival
    ) -> Whereabouts:
        """What the replay of a rejected event will not know: where it was."""
        agent = _user_agent(event) or arrival.user_agent
        day = day_of(result.row) if result.row else arrival.received_text[:10]
        visitor_id = await self._visitor(day, address, agent)
        return Whereabouts(visitor_id, self._countries.of(address))

    async def _visitor(self, day: str, address: str, user_agent: str) -> str:
        return visitor_hash(await self._salts.of_day(day), address, user_agent)


def _judge_all(events: Sequence[object], arrival: Arrival) -> list[Result]:
    return [_judged(event, arrival) for event in events]


def _as_kept(
    events: Sequence[object],
    results: Sequence[Result],
    places: Sequence[Whereabouts],
    arrival: Arrival,
) -> tuple[list[EventRow], list[RejectedRow]]:
    """The rows to store, which become their results' rows, and the rejected events to keep."""
    rows, rejected = [], []
    for event, result, place in zip(events, results, places, strict=True):
        if result.row is not None:
            result.row = scrubbed(with_visitor(result.row, *place))
            rows.append(result.row)
        elif arrival.first is None:
            rejected.append(_rejected(event, result, place, arrival))
    return rows, rejected


def _rejected(event: object, result: Result, place: Whereabouts, arrival: Arrival) -> RejectedRow:
    event_id = result.event_id or new_event_id()
    return rejected_row(event, event_id, place, result.errors, arrival)


def _judged(event: object, arrival: Arrival) -> Result:
    """What the sender may not do, what the clock needs, and what is wrong with the event."""
    if not isinstance(event, dict):
        return read_event(event, arrival)
    allowed, not_allowed = permissions.apply(event, arrival.sender)
    if not_allowed:
        event_id = _readable_id(event, arrival)
        return Result(event_id, "rejected", not_allowed, is_forbidden=True)
    told, skew = shifted(allowed, arrival)
    result = read_event(told, arrival)
    result.clock_skew_seconds = skew
    return result


def _readable_id(event: object, arrival: Arrival) -> str | None:
    """The id that an event would be stored under, if it names one that can be."""
    sent = event.get("event_id") if isinstance(event, dict) else None
    if not isinstance(sent, str) or not sent or len(sent) > MAX_ID_CHARACTERS:
        return None
    return normal_event_id(sent, arrival.id_class) if text_problem(sent) is None else None


def _user_agent(event: object) -> str:
    context = event.get("context") if isinstance(event, dict) else None
    found = context.get("user_agent") if isinstance(context, dict) else None
    return found if isinstance(found, str) else ""
