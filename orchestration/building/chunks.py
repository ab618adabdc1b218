"""A range is built in chunks: a night need not wait for a year, and a crash costs one chunk."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from eventmill.core.days import ONE_DAY, DayWindow


def chunks(window: DayWindow, days: int) -> list[DayWindow]:
    """`window` cut into windows of `days` days, in order; the last may be shorter."""
    return list(_cut(window, days))


def _cut(window: DayWindow, days: int) -> Iterator[DayWindow]:
    first = window.first
    while first <= window.last:
        last = min(first + timedelta(days=days - 1), window.last)
        yield DayWindow(first, last)
        first = last + ONE_DAY


def how_far(done: Collection[DayWindow], of: DayWindow, built: int, seconds: float) -> str:
    """How far a run is, in words: `62 of 365 days, about 4 min left`.

    `built` days took this run `seconds`; the others of `done` were built before it.
    """
    days = sum(map(len, done))
    left = len(of) - days
    said = f"{days} of {len(of)} days"
    if not left or not built:
        return said
    seconds_left = seconds / built * left
    if seconds_left < 90:
        return f"{said}, about {max(1, round(seconds_left))} s left"
    minutes = round(seconds_left / 60)
    return f"{said}, about " + (
        f"{minutes} min left" if minutes < 100 else f"{minutes // 60} h left"
    )
