"""What all events of one request have in common: it goes with them from the route to the writer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request

from eventmill.core.registry import FUTURE_TOLERANCE, OLDEST, utc_text
from eventmill.core.settings import get_settings
from eventmill.core.suggestions import Suggestions
from eventmill.core.trust import Trust
from ingest_api.headers import says
from ingest_api.partitions import MOST_NEW_DAYS
from ingest_api.senders import Sender


class Whereabouts(NamedTuple):
    """What is kept of an address: the visitor behind it, and its country. "" is unknown."""

    visitor_id: str
    country: str


@dataclass(slots=True)
class Arrival:
    """Who sent a request, when, from where and by which route. Texts are "" when there is none."""

    sender: Sender
    route: str
    received_at: datetime
    address: str = ""
    """The visitors' IP address. It ends in a keyed hash and a country, and nowhere else."""
    user_agent: str = ""
    """Serves for events whose context has none; so does `referrer`."""
    referrer: str = ""
    sent_at: str = ""
    """ISO 8601 in UTC, as `utc_text` makes it."""
    opted_out: bool = False
    """The sender's Do-Not-Track or Global Privacy Control."""
    has_odd_values: bool = True
    """Whether there may be NUL, a lone surrogate or a number that is no number in an event."""
    earliest: datetime = OLDEST
    """The oldest `occurred_at` that is accepted."""
    most_new_days: int | None = None
    """How many days, of which nothing is stored yet, its events may begin. None: any number."""
    is_long: bool = False
    """Whether its events are read beside the event loop."""
    suggestions: Suggestions = field(default_factory=Suggestions)
    first: Whereabouts | None = None
    """Of a rejected event that is tried again: what its first arrival left of the address."""
    received_text: str = field(init=False)
    trust: str = field(init=False)
    """The sender's class, as `raw.events.trust` has it."""
    id_class: Trust = field(init=False)
    """Whose namespace the event ids are read in."""
    latest: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.received_text = utc_text(self.received_at)
        trust = self.sender.trust
        self.trust = str(int(trust))
        # What is tried again has the id that its first arrival read.
        self.id_class = trust if self.first is None else Trust.SECRET
        self.latest = self.received_at + FUTURE_TOLERANCE


def arrive(request: Request, sender: Sender, route: str, *, has_odd_values: bool) -> Arrival:
    """The arrival of a request from the network, without its user agent and referrer."""
    now = datetime.now(UTC)
    return Arrival(
        sender,
        route,
        now,
        address=request.scope["client"][0] if request.scope.get("client") else "",
        opted_out=opted_out(request),
        has_odd_values=has_odd_values,
        earliest=earliest_accepted(now, sender),
        most_new_days=MOST_NEW_DAYS,
    )


def opted_out(request: Request) -> bool:
    """Whether a request's headers forbid to record it.

    `DNT: 1` (W3C Tracking Preference Expression) and `Sec-GPC: 1` (Global Privacy Control) do,
    whoever sends them: a server that passes its visitor's header on opts its visitor out.
    """
    return says(request, b"dnt", "1") or says(request, b"sec-gpc", "1")


def earliest_accepted(received_at: datetime, sender: Sender) -> datetime:
    """The oldest `occurred_at` that the API takes at this time from this sender."""
    settings = get_settings()
    days = settings.accepted_past_days
    earliest = OLDEST if days is None else received_at - timedelta(days=days)
    if sender.kind != "publishable":
        return earliest
    # Whoever has seen a web page could otherwise have each day of the past built again.
    return max(earliest, received_at - timedelta(hours=settings.publishable_past_hours))
