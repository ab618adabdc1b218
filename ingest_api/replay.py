"""Trying refused events again, as what they were: their sender, their time, their visitor."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from eventmill.core.registry import OLDEST
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller
from ingest_api.body import parse_json
from ingest_api.delivery import Delivery, Kept
from ingest_api.events import Receipt
from ingest_api.metrics import Metrics
from ingest_api.runtime import runtime
from ingest_api.segment import reread
from ingest_api.senders import Sender
from ingest_api.service import IngestService, Status

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
update raw.rejected_events as refused
set replayed_at = now(), replayed_as = done.status
from unnest(%s::bigint[], %s::text[]) as done (rejected_id, status)
where refused.rejected_id = done.rejected_id
"""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A row of `raw.rejected_events` that no replay has taken yet."""

    rejected_id: int
    event_id: str
    received_at: datetime
    sender: dict[str, Any]
    route: str
    event: str
    context: dict[str, str]


async def replay(url: str, ids: Sequence[int] | None = None) -> Counter[Status]:
    """Try every refused event that waits, or those of `ids`; how many became what.

    What is accepted, or stored already, is marked as replayed; what is still refused stays as it
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
            waiting = [_Refused(*row) for row in await cursor.fetchall()]
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


async def _again(service: IngestService, refused: _Refused) -> Status:
    event, _ = parse_json(refused.event.encode())
    if isinstance(event, dict):
        event["event_id"] = refused.event_id
        if refused.route not in PLAIN_ROUTES:
            event = reread(event, _sender(refused.sender))
    context = refused.context
    receipt = Receipt(
        received_at=refused.received_at.astimezone(UTC),
        earliest=_earliest(refused.received_at),
        sent_at=context.get("sent_at", ""),
        user_agent=context.get("user_agent", ""),
        referrer=context.get("referrer", ""),
    )
    kept = Kept(refused.event_id, context.get("visitor_id", ""), context.get("country", ""))
    delivery = Delivery(_sender(refused.sender), receipt, refused.route, replay=kept)
    (result,) = await service.ingest([event], delivery, [""])
    return result.status


def _earliest(received_at: datetime) -> datetime:
    """The oldest `occurred_at` that today's settings would have taken then."""
    days = get_settings().accepted_past_days
    return OLDEST if days is None else received_at - timedelta(days=days)


def _sender(kept: dict[str, Any]) -> Sender:
    caller = kept.get("caller")
    return Sender(
        kept["kind"],
        kept.get("key_id"),
        Caller(caller["sub"], caller["role"], caller.get("brand_id")) if caller else None,
    )
