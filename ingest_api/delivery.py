"""What the events of one request have in common: who sent them, when, by which route."""

from dataclasses import dataclass

from ingest_api.events import Receipt
from ingest_api.senders import Sender


@dataclass(frozen=True, slots=True)
class Kept:
    """What a refused event keeps of its first delivery, for when it is replayed."""

    event_id: str
    visitor_id: str
    country: str


@dataclass(slots=True)
class Delivery:
    """One request. `opted_out` is the sender's Do-Not-Track or Global Privacy Control."""

    sender: Sender
    receipt: Receipt
    route: str
    opted_out: bool = False
    request_id: str = ""
    replay: Kept | None = None
    """Set when a refused event is tried again: it keeps who it was, and is not kept twice."""
