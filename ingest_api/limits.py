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

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from limits.util import WindowStats
from starlette.requests import Request

from eventmill.core.errors import RateLimited
from eventmill.core.settings import get_settings
from ingest_api.headers import header, own_address
from ingest_api.senders import Sender

# Anonymous ids cost their inventor nothing. About 200 bytes each; beyond it counting begins anew.
MAX_COUNTED = 500_000


class Limits:
    """The counts of one process."""

    def __init__(self) -> None:
        settings = get_settings()
        self._limiter = FixedWindowRateLimiter(_Windows())
        self._visitors = RateLimitItemPerMinute(settings.events_per_minute)
        self._secret_keys = RateLimitItemPerMinute(settings.secret_key_events_per_minute)
        self._key = secrets.token_bytes(32)

    def take(self, sender: Sender, events: Sequence[object], request: Request) -> dict[str, str]:
        """Count `events`; the answer's `RateLimit-*` headers, of whoever has the least left.

        Raises RateLimited, and counts none of them, if they are too many for one of their senders.
        """
        limit = self._secret_keys if sender.kind == "secret" else self._visitors
        found = self._identities(sender, events, request)
        # Looking and taking are one step: nothing is awaited in between.
        for identity, count in found.items():
            if not self._limiter.test(limit, identity, cost=count):
                raise self._exceeded(limit, identity, count)
        for identity, count in found.items():
            self._limiter.hit(limit, identity, cost=count)
        windows = [self._limiter.get_window_stats(limit, identity) for identity in found]
        tightest = min(windows, key=_remaining, default=WindowStats(0, limit.amount))
        return _headers(limit, tightest)

    def _exceeded(self, limit: RateLimitItem, identity: str, count: int) -> RateLimited:
        headers = _headers(limit, self._limiter.get_window_stats(limit, identity))
        advice = "wait" if count <= limit.amount else "send fewer in one request, and wait"
        return RateLimited(
            f"one sender may send {limit.amount:,} events a minute, and this request would make it"
            f" more: {advice}",
            int(headers["RateLimit-Reset"]),
            headers,
        )

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


def _remaining(window: WindowStats) -> int:
    return window.remaining


def _headers(limit: RateLimitItem, window: WindowStats) -> dict[str, str]:
    """Limit, what is left of it, and whole seconds until it is whole again."""
    return {
        "RateLimit-Limit": str(limit.amount),
        "RateLimit-Remaining": str(window.remaining),
        "RateLimit-Reset": str(max(1, math.ceil(window.reset_time - time.time()))),
    }


class _Windows(Storage):
    """Counts of the windows that are open, for the library's strategies.

    The library's own memory storage looks through all counts at each hit: with 10,000 visitors
    that took 1.0 ms a request. This one does it once a minute.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}
        self._sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        if now >= self._sweep_at:
            self._counts = {k: window for k, window in self._counts.items() if window[1] > now}
            self._sweep_at = now + expiry
        if len(self._counts) >= MAX_COUNTED:
            self._counts.clear()
        count, ends_at = self._counts.get(key, (0, 0.0))
        if ends_at <= now:
            count, ends_at = 0, now + expiry
        self._counts[key] = (count + amount, ends_at)
        return count + amount

    def get(self, key: str) -> int:
        count, ends_at = self._counts.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        now = time.time()
        ends_at = self._counts.get(key, (0, 0.0))[1]
        return ends_at if ends_at > now else now

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)
