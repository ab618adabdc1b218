"""How many events a minute one sender may send.

A sender is a user (by token), an anonymous visitor (by anonymous id, else by address and user
agent) or a secret key. A window of a minute begins with the sender's first event. Counts are kept
in memory: each worker process counts for itself, and loses its counts when it ends.
"""

import hashlib
import math
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from eventmill.core.errors import RateLimited
from eventmill.core.settings import get_settings
from ingest_api.arrival import Arrival
from ingest_api.identities import Link

WINDOW_SECONDS = 60.0
# Anonymous ids cost their inventor nothing. About 200 bytes each; beyond it counting begins anew.
MAX_COUNTED = 500_000


class Limits:
    """The counts of one process."""

    def __init__(self) -> None:
        settings = get_settings()
        self._visitors = settings.events_per_minute
        self._secret_keys = settings.secret_key_events_per_minute
        self._key = secrets.token_bytes(32)
        self._windows: dict[str, tuple[int, float]] = {}
        """By sender: events in the open window, and when it ends (Unix time)."""
        self._sweep_at = 0.0

    def take(
        self, arrival: Arrival, events: Sequence[object], links: Sequence[Link] = ()
    ) -> dict[str, str]:
        """Count events and links; the answer's `RateLimit-*` headers, of who has the least left.

        Raises RateLimited, and counts none of them, if they are too many for one of their senders.
        """
        limit = self._secret_keys if arrival.sender.kind == "secret" else self._visitors
        now = time.time()
        self._sweep(now)
        after: dict[str, tuple[int, float]] = {}
        for sender, count in self._senders(arrival, events, links).items():
            before, ends_at = self._windows.get(sender, (0, 0.0))
            if ends_at <= now:
                before, ends_at = 0, now + WINDOW_SECONDS
            if before + count > limit:
                raise _exceeded(limit, _headers(limit, before, ends_at, now), count)
            after[sender] = (before + count, ends_at)
        self._windows |= after
        taken, ends_at = max(after.values(), key=lambda window: window[0], default=(0, now))
        return _headers(limit, taken, ends_at, now)

    def _sweep(self, now: float) -> None:
        """Forget the windows that have ended, once a minute: a look at all takes long."""
        if now >= self._sweep_at:
            self._windows = {who: w for who, w in self._windows.items() if w[1] > now}
            self._sweep_at = now + WINDOW_SECONDS
        if len(self._windows) >= MAX_COUNTED:
            self._windows.clear()

    def _senders(
        self, arrival: Arrival, events: Sequence[object], links: Sequence[Link]
    ) -> Mapping[str, int]:
        """Events and links by who is behind them."""
        sender, count = arrival.sender, len(events) + len(links)
        if sender.kind == "secret":
            return {f"key:{sender.key_id}": count}
        if sender.caller is not None:
            return {f"{sender.caller.role}:{sender.caller.sub}": count}
        ids = [_anonymous_id(event) for event in events] + [link.anonymous_id for link in links]
        nobody = self._address_hash(arrival) if "" in ids else ""
        return Counter([f"anonymous:{one}" if one else f"address:{nobody}" for one in ids])

    def _address_hash(self, arrival: Arrival) -> str:
        """What stands for a visitor without any id, in this process only."""
        text = f"{arrival.address}\0{arrival.user_agent}".encode(errors="replace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()


def _anonymous_id(event: object) -> str:
    found = event.get("anonymous_id") if isinstance(event, dict) else None
    return found[:200] if isinstance(found, str) else ""


def _exceeded(limit: int, headers: dict[str, str], count: int) -> RateLimited:
    advice = "wait" if count <= limit else "send fewer in one request, and wait"
    return RateLimited(
        f"one sender may send {limit:,} events a minute, and this request would make it more:"
        f" {advice}",
        int(headers["RateLimit-Reset"]),
        headers,
    )


def _headers(limit: int, taken: int, ends_at: float, now: float) -> dict[str, str]:
    """Limit, what is left of it, and whole seconds until it is whole again."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(limit - taken),
        "RateLimit-Reset": str(max(1, math.ceil(ends_at - now))),
    }
