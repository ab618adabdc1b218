"""Bounds on what a publishable key may add: new names, and time that a visitor was engaged.

Whoever has seen a web page has its key, and can invent user agents, referring sites and hours of
reading (docs/decisions/0042-what-a-stranger-may-add.md). Each process remembers for itself.
"""

import time
from datetime import UTC, datetime

import orjson

from eventmill.core.errors import FieldError
from eventmill.core.registry import EventRow
from eventmill.core.settings import get_settings
from eventmill.http.proxies import network_of
from ingest_api.batch import RejectedRow

# User agents and referring sites that one address may bring in a minute; an office has a few.
NEW_A_MINUTE = 60
OTHER = "other"
# What a visitor whom we have not seen can have been engaged for: as long as a visit may pause.
FIRST_ENGAGEMENT_MS = 30 * 60 * 1000
# About 100 bytes each.
MOST_REMEMBERED = 200_000
ENGAGEMENT = "engagement_ms"


class Strangers:
    """The memory of one process."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._new: dict[str, int] = {}
        """By network: names that it has brought in this minute."""
        self._minute = 0.0
        self._engaged: dict[str, tuple[float, float]] = {}
        """By visitor, in ms (Unix): when the time began that the next engagement may cover, by the
        sender's word, and when the visitor was first seen, by our clock."""
        settings = get_settings()
        self._most_kept = settings.rejected_mb_per_day * 1_000_000 // settings.ingest_workers
        self._kept = 0
        self._day = datetime.now(UTC).date()

    def bounded(self, row: EventRow, address: str, warnings: list[FieldError]) -> EventRow:
        """The row as it may be stored; `warnings` gets what is different."""
        network = network_of(address)
        if row.user_agent and self._is_too_new(f"agent {row.user_agent}", network):
            row = row._replace(user_agent=OTHER)
            warnings.append(_other("user_agent"))
        if row.referrer and self._is_too_new(f"site {_site(row.referrer)}", network):
            row = row._replace(referrer=OTHER)
            warnings.append(_other("referrer"))
        return self._with_possible_engagement(row, warnings)

    def may_keep(self, rejected: RejectedRow) -> bool:
        """Whether the day's budget has room for it; if so, it has less afterwards."""
        if (today := datetime.now(UTC).date()) != self._day:
            self._day, self._kept = today, 0
        size = sum(len(part.encode()) for part in rejected)
        if self._kept + size > self._most_kept:
            return False
        self._kept += size
        return True

    def _is_too_new(self, name: str, network: str) -> bool:
        known = hash(name)
        if known in self._known:
            return False
        now = time.monotonic()
        if now >= self._minute + 60:
            self._minute, self._new = now, {}
        brought = self._new.get(network, 0)
        if brought >= NEW_A_MINUTE:
            return True
        self._new[network] = brought + 1
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known.add(known)
        return False

    def _with_possible_engagement(self, row: EventRow, warnings: list[FieldError]) -> EventRow:
        happened = datetime.fromisoformat(row.occurred_at).timestamp() * 1000
        now = time.time() * 1000
        known = self._engaged.get(row.visitor_id)
        if known is None and len(self._engaged) >= MOST_REMEMBERED:
            self._engaged.clear()
        since, seen = known or (happened - FIRST_ENGAGEMENT_MS, now)
        if f'"{ENGAGEMENT}"' not in row.props_json:
            self._engaged.setdefault(row.visitor_id, (happened, now))
            return row
        self._engaged[row.visitor_id] = (max(happened, since), seen)
        props = orjson.loads(row.props_json)
        # The sender dates events as they like: one that is dated a day after another covers no day.
        most = int(max(0, min(happened - since, now - seen + FIRST_ENGAGEMENT_MS)))
        claimed = props.get(ENGAGEMENT)
        if not isinstance(claimed, int | float) or claimed <= most:
            return row
        message = f"is more than the {most:,} ms that have passed for this visitor; kept as that"
        warnings.append(FieldError(f"props.{ENGAGEMENT}", message))
        return row._replace(props_json=orjson.dumps({**props, ENGAGEMENT: most}).decode())


def _site(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].lower()


def _other(name: str) -> FieldError:
    message = f"is one of more than {NEW_A_MINUTE} new ones of this address in a minute; kept as"
    return FieldError(f"context.{name}", f"{message} {OTHER!r}")
