"""Corrects `occurred_at` of a client whose clock is wrong.

A client reads `sent_at` and `occurred_at` from the same clock, so both are wrong by the same time.
A request takes less than five minutes: if `sent_at` and the time of receipt differ by more, the
clock is wrong, and the difference is its error.
"""

from datetime import datetime, timedelta
from typing import Any

from eventmill.core.registry import parse_time, utc_text
from ingest_api.arrival import Arrival

TOLERANCE = timedelta(minutes=5)
SKEW_PROPERTY = "_clock_skew_seconds"


def shift_seconds(
    occurred_at: datetime | None, sent_at: datetime | None, received_at: datetime
) -> int:
    """Seconds to add to `occurred_at`, in whole minutes; 0 if the clock was right or is unknown.

    Negative when the client's clock is ahead. An event without `occurred_at` gets the time of
    receipt, which needs no shift.
    """
    if occurred_at is None or sent_at is None:
        return 0
    skew = received_at - sent_at
    if abs(skew) <= TOLERANCE:
        return 0
    return round(skew.total_seconds() / 60) * 60


def shifted(event: dict[str, Any], arrival: Arrival) -> tuple[dict[str, Any], int]:
    """The event by the service's clock, and the seconds that it was shifted by (0: as it was).

    A shifted event is a copy, with the shift in `props._clock_skew_seconds`. What cannot be read is
    left as it is: `read_event` says what is wrong with it, also with a shifted time out of bounds.
    """
    sent_at = event.get("sent_at")
    sent = _time(arrival.sent_at if sent_at is None else sent_at)
    if sent is None:
        return event, 0
    occurred_at = _time(event.get("occurred_at"))
    seconds = shift_seconds(occurred_at, sent, arrival.received_at)
    if not seconds or occurred_at is None:
        return event, 0
    try:
        moment = utc_text(occurred_at + timedelta(seconds=seconds))
    except OverflowError:  # in no year from 1 to 9999
        return event, 0
    props = event.get("props")
    if props is None or isinstance(props, dict):
        event = {**event, "props": {**(props or {}), SKEW_PROPERTY: seconds}}
    return {**event, "occurred_at": moment}, seconds


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return parse_time(text)
    except ValueError:
        return None
