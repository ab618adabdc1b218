"""Replays rejected events with their original sender, time and visitor."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg

from eventmill.core.tokens import Caller
from eventmill.core.trust import Trust
from ingest_api.arrival import Arrival, Whereabouts, earliest_accepted
from ingest_api.body import parse_json
from ingest_api.events import Status
from ingest_api.metrics import Metrics
from ingest_api.runtime import runtime
from ingest_api.segment import reread
from ingest_api.senders import Sender
from ingest_api.service import IngestService

# Judged and committed together.
AT_ONCE = 500
# These events come from no vendor's library: their names are what they are.
PLAIN_ROUTES = ("/v1/events", "spool")

WAITING: LiteralString = """
select rejected_id, event_id::text, received_at, sender, route, event, context
from raw.rejected_events
where replayed_at is null and rejected_id > %(after)s
and (%(ids)s::bigint[] is null or rejected_id = any(%(ids)s::bigint[]))
order by rejected_id
limit %(limit)s
"""
DONE: LiteralString = """
update raw.rejected_events as rejected
set replayed_at = now(), replayed_as = done.status
from unnest(%s::bigint[], %s::text[]) as done (rejected_id, status)
where rejected.rejected_id = done.rejected_id
"""


@dataclass(frozen=True, slots=True)
class _Rejected:
    """A row of `raw.rejected_events` that no replay has taken yet."""

    rejected_id: int
    event_id: str
    received_at: datetime
    sender: dict[str, Any]
    route: str
    event: str
    context: dict[str, str]


async def replay(url: str, ids: Sequence[int] | None = None) -> Counter[Status]:
    """Try every rejected event that waits, or those of `ids`; how many became what.

    What is accepted, or stored already, is marked as replayed; what is rejected again stays as it
    is. Twice, or two at once, add nothing: an event keeps its id. Raises Unavailable and what
    psycopg raises if the database fails; what was done stays done.
    """
    found: Counter[Status] = Counter()
    async with (
        runtime(url, Metrics()) as running,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        after = 0
        while True:
            parameters = {"after": after, "ids": ids and list(ids), "limit": AT_ONCE}
            cursor = await connection.execute(WAITING, parameters)
            waiting = [_Rejected(*row) for row in await cursor.fetchall()]
            if not waiting:
                return found
            after = waiting[-1].rejected_id
            statuses = await asyncio.gather(*(_again(running.service, one) for one in waiting))
            found.update(statuses)
            done = [
                (one.rejected_id, status)
                for one, status in zip(waiting, statuses, strict=True)
                if status != "rejected"
            ]
            if done:
                await connection.execute(DONE, [list(column) for column in zip(*done, strict=True)])


async def _again(service: IngestService, rejected: _Rejected) -> Status:
    event, _ = parse_json(rejected.event.encode())
    sender = _sender(rejected.sender)
    if isinstance(event, dict):
        event["event_id"] = rejected.event_id
        if rejected.route not in PLAIN_ROUTES:
            event = reread(event, sender)
    kept = rejected.context
    arrival = Arrival(
        sender,
        rejected.route,
        rejected.received_at.astimezone(UTC),
        user_agent=kept.get("user_agent", ""),
        referrer=kept.get("referrer", ""),
        sent_at=kept.get("sent_at", ""),
        earliest=earliest_accepted(rejected.received_at, sender),
        first=Whereabouts(kept.get("visitor_id", ""), kept.get("country", "")),
    )
    (result,) = await service.ingest(arrival, [event])
    return result.status


def _sender(kept: dict[str, Any]) -> Sender:
    caller, trust = kept.get("caller"), kept.get("trust")
    return Sender(
        kept["kind"],
        kept.get("key_id"),
        Caller(caller["sub"], caller["role"], caller.get("brand_id")) if caller else None,
        Trust(trust) if trust else None,
    )
