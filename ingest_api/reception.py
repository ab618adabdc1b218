"""What every route does with its events: limits taken, privacy asked, the service called."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from eventmill.core.logs import request_id
from eventmill.core.registry import OLDEST
from eventmill.core.settings import get_settings
from ingest_api.delivery import Delivery
from ingest_api.events import Receipt
from ingest_api.headers import own_address
from ingest_api.identities import Link
from ingest_api.limits import Limits
from ingest_api.privacy import opted_out
from ingest_api.senders import Sender
from ingest_api.service import IngestService, Result


@dataclass(slots=True)
class Received:
    """What became of each event, and the answer's headers."""

    results: list[Result]
    headers: dict[str, str]


async def receive(
    request: Request,
    sender: Sender,
    events: Sequence[object],
    receipt: Receipt,
    *,
    route: str,
    addresses: Iterable[str] | None = None,
    links: Sequence[Link] = (),
) -> Received:
    """Take the plain events of one request; `route` names where they came in.

    `addresses` are their visitors', by default the request's own. Returns when all that is accepted
    is durable. Raises RateLimited and Unavailable.
    """
    state = request.app.state
    limits: Limits = state.limits
    # A call that only links two ids is stored too, and counts as an event does.
    counted = [*events, *({"anonymous_id": link.anonymous_id} for link in links)]
    headers = limits.take(sender, counted, request)
    delivery = Delivery(sender, receipt, route, opted_out(request), request_id.get())
    if addresses is None:
        addresses = itertools.repeat(own_address(request))
    service: IngestService = state.service
    return Received(await service.ingest(events, delivery, addresses, links), headers)


def earliest_accepted() -> datetime:
    """The oldest `occurred_at` that the API takes now."""
    days = get_settings().accepted_past_days
    return OLDEST if days is None else datetime.now(UTC) - timedelta(days=days)
