"""How many events one sender may send in a time.

A sender is a user (by token), an anonymous visitor (by anonymous id, else by address and user
agent) or a secret key. Anonymous ids cost their inventor nothing, so what comes without a user's
token and without a secret key is also counted by address and by publishable key. A window begins
with the first event in it. Counts are kept in memory: each worker process counts for itself and
loses its counts when it ends. Of the limits by address and by publishable key it has its share.
"""

import hashlib
import math
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eventmill.core.errors import RateLimited
from eventmill.core.settings import get_settings
from eventmill.http.proxies import network_of
from ingest_api.arrival import Arrival
from ingest_api.identities import Link

WINDOW_SECONDS = 60.0
# Of an address and of a publishable key: a flood is stopped early, and a busy office goes on soon.
SHORT_WINDOW_SECONDS = 10.0
# Senders of one kind, at about 200 bytes each; beyond it their counting begins anew.
MAX_COUNTED = 200_000
MEGABYTE = 1_000_000

Window = tuple[int, float]


class Budget(NamedTuple):
    """Of one sender: what a request takes, and how much there is in how many seconds."""

    sender: str
    taken: int
    limit: int
    seconds: float = WINDOW_SECONDS
    unit: str = "events"


class Limits:
    """The counts of one process."""

    def __init__(self) -> None:
        settings = get_settings()
        self._visitors = settings.events_per_minute
        self._secret_keys = settings.secret_key_events_per_minute
        share = SHORT_WINDOW_SECONDS / WINDOW_SECONDS / settings.ingest_workers
        self._addresses = math.ceil(settings.address_events_per_minute * share)
        self._public_keys = math.ceil(settings.publishable_key_events_per_minute * share)
        self._address_bytes = math.ceil(settings.address_mb_per_minute * MEGABYTE * share)
        self._public_key_bytes = math.ceil(
            settings.publishable_key_mb_per_minute * MEGABYTE * share
        )
        self._key = secrets.token_bytes(32)
        self._windows: defaultdict[str, dict[str, Window]] = defaultdict(dict)
        """By kind and name: what was taken in the open window, and when that ends (Unix time).

        Anonymous ids, user agents and networks cost their inventor nothing. Whoever fills a kind
        with them takes no count from another kind.
        """
        self._sweep_at = 0.0

    def take(
        self, arrival: Arrival, size: int, events: Sequence[object], links: Sequence[Link] = ()
    ) -> dict[str, str]:
        """Count events, links and the `size` of their body in bytes.

        Returns the answer's `RateLimit-*` headers, of who has the fewest events left. Raises
        RateLimited, and counts nothing, if it is too much for one of the senders.
        """
        now = time.time()
        self._sweep(now)
        after: dict[str, Window] = {}
        tightest: tuple[int, int, float] | None = None
        for budget in self._budgets(arrival, size, events, links):
            sender, count, limit, seconds, unit = budget
            before, ends_at = self._of(sender).get(sender, (0, 0.0))
            if ends_at <= now:
                before, ends_at = 0, now + seconds
            if before + count > limit:
                raise _exceeded(budget, _headers(limit, before, ends_at, now))
            after[sender] = (before + count, ends_at)
            if unit == "events" and (
                tightest is None or limit - before - count < tightest[0] - tightest[1]
            ):
                tightest = (limit, before + count, ends_at)
        for sender, window in after.items():
            self._of(sender)[sender] = window
        return _headers(*(tightest or (self._visitors, 0, now)), now)

    def _of(self, sender: str) -> dict[str, Window]:
        return self._windows[sender.partition(":")[0]]

    def _sweep(self, now: float) -> None:
        """Forget the windows that have ended, once a minute: a look at all takes long."""
        is_due = now >= self._sweep_at
        if is_due:
            self._sweep_at = now + WINDOW_SECONDS
        for windows in self._windows.values():
            if is_due:
                for sender in [who for who, window in windows.items() if window[1] <= now]:
                    del windows[sender]
            if len(windows) >= MAX_COUNTED:
                windows.clear()

    def _budgets(
        self, arrival: Arrival, size: int, events: Sequence[object], links: Sequence[Link]
    ) -> Iterator[Budget]:
        """What this request takes, of whoever is behind it."""
        sender, count = arrival.sender, len(events) + len(links)
        if sender.kind == "secret":
            yield Budget(f"key:{sender.key_id}", count, self._secret_keys)
            return
        if sender.caller is not None:
            yield Budget(f"{sender.caller.role}:{sender.caller.sub}", count, self._visitors)
            return
        ids = [_anonymous_id(event) for event in events] + [link.anonymous_id for link in links]
        nobody = self._hash(arrival.address, arrival.user_agent) if "" in ids else ""
        names = Counter([f"anonymous:{one}" if one else f"address:{nobody}" for one in ids])
        for name, taken in names.items():
            yield Budget(name, taken, self._visitors)
        place, key = f"place:{self._hash(network_of(arrival.address))}", f"key:{sender.key_id}"
        yield Budget(place, count, self._addresses, SHORT_WINDOW_SECONDS)
        yield Budget(key, count, self._public_keys, SHORT_WINDOW_SECONDS)
        for who, limit in ((place, self._address_bytes), (key, self._public_key_bytes)):
            yield Budget(f"bytes of {who}", size, limit, SHORT_WINDOW_SECONDS, "bytes")

    def _hash(self, *parts: str) -> str:
        """What stands for an address, or a visitor without any id, in this process only."""
        text = "\0".join(parts).encode(errors="replace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()


def _anonymous_id(event: object) -> str:
    found = event.get("anonymous_id") if isinstance(event, dict) else None
    return found[:200] if isinstance(found, str) else ""


def _exceeded(budget: Budget, headers: dict[str, str]) -> RateLimited:
    advice = "wait" if budget.taken <= budget.limit else "send fewer in one request, and wait"
    time = "a minute" if budget.seconds == WINDOW_SECONDS else f"in {budget.seconds:g} s"
    return RateLimited(
        f"one sender may send {budget.limit:,} {budget.unit} {time},"
        f" and this request would make it more: {advice}",
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
