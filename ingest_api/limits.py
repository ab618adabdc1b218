"""How many events a minute one sender may send.

Counted for a user (the token's), for an anonymous visitor (the anonymous id, else address and user
agent) and for a secret key, in windows of a minute that begin with their first event. Kept in
memory: each worker process counts for itself, and nothing outlives it.
"""

import hashlib
import math
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from starlette.requests import Request

from eventmill.errors import RateLimited
from eventmill.settings import get_settings
from ingest_api.headers import header, own_address
from ingest_api.senders import Sender

WINDOW_SECONDS = 60
# Anonymous ids cost their inventor nothing. About 200 bytes each; beyond it counting begins anew.
MAX_COUNTED = 500_000


class Limits:
    """The counts of one process."""

    def __init__(self) -> None:
        settings = get_settings()
        self._of_visitors = settings.events_per_minute
        self._of_secret_keys = settings.secret_key_events_per_minute
        self._key = secrets.token_bytes(32)
        self._windows: dict[str, tuple[int, float]] = {}
        """Events so far and when the window ends, of every window that is open."""
        self._sweep_at = 0.0

    def take(self, sender: Sender, events: Sequence[object], request: Request) -> dict[str, str]:
        """Count `events`; the answer's `RateLimit-*` headers, of whoever has the least left.

        Raises RateLimited, and counts none of them, if they are too many for one of their senders.
        """
        limit = self._of_secret_keys if sender.kind == "secret" else self._of_visitors
        now = time.time()
        self._make_room(now)
        found: dict[str, tuple[int, float]] = {}
        # Looking and taking are one step: nothing is awaited in between.
        for identity, more in self._identities(sender, events, request).items():
            count, ends_at = self._windows.get(identity, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + WINDOW_SECONDS
            if count + more > limit:
                raise _exceeded(limit, more, _headers(limit, count, ends_at - now))
            found[identity] = count + more, ends_at
        self._windows |= found
        count, ends_at = max(found.values(), default=(0, now))
        return _headers(limit, count, ends_at - now)

    def _make_room(self, now: float) -> None:
        """Forget the windows that have ended, once a minute, and all of them if they are many."""
        if now >= self._sweep_at:
            self._windows = {who: w for who, w in self._windows.items() if w[1] > now}
            self._sweep_at = now + WINDOW_SECONDS
        if len(self._windows) >= MAX_COUNTED:
            self._windows.clear()

    def _identities(
        self, sender: Sender, events: Sequence[object], request: Request
    ) -> Mapping[str, int]:
        """Events by who is behind them."""
        if sender.kind == "secret":
            return {f"key:{sender.key_id}": len(events)}
        if sender.caller is not None:
            return {f"{sender.caller.role}:{sender.caller.sub}": len(events)}
        ids = [_anonymous_id(event) for event in events]
        nobody = self._address_hash(request) if "" in ids else ""
        return Counter([f"anonymous:{one}" if one else f"address:{nobody}" for one in ids])

    def _address_hash(self, request: Request) -> str:
        """What stands for a visitor without any id, in this process only."""
        text = f"{own_address(request)}\0{header(request, b'user-agent')}".encode(errors="replace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()


def _anonymous_id(event: object) -> str:
    found = event.get("anonymous_id") if isinstance(event, dict) else None
    return found[:200] if isinstance(found, str) else ""


def _exceeded(limit: int, events: int, headers: dict[str, str]) -> RateLimited:
    advice = "wait" if events <= limit else "send fewer in one request, and wait"
    return RateLimited(
        f"one sender may send {limit:,} events a minute, and this request would make it"
        f" more: {advice}",
        int(headers["RateLimit-Reset"]),
        headers,
    )


def _headers(limit: int, count: int, seconds_left: float) -> dict[str, str]:
    """Limit, what is left of it, and whole seconds until it is whole again."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(limit - count),
        "RateLimit-Reset": str(max(1, math.ceil(seconds_left))),
    }
