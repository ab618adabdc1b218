"""Counting a range: built days from their roll-ups, the others live, together in one snapshot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from psycopg import AsyncConnection

from dashboards_api.authorization import LICENSED_NUMBERS
from dashboards_api.metrics import breakdowns, queries
from dashboards_api.metrics.breakdowns import POINTS, Breakdown
from dashboards_api.metrics.queries import BuiltDay, Moment
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod
from dashboards_api.metrics.tally import Tally, count_visitors, together
from dashboards_api.ranges import Interval, MetricsRange
from eventmill.core.days import DayWindow, stretches

MIXED_DEFINITIONS = "mixed"

Groups = dict[tuple[Any, ...], Tally]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which days of a window are built. All others are `live`: counted from their events."""

    window: DayWindow
    moment: Moment
    built: Sequence[BuiltDay]
    built_through: date | None

    @property
    def live(self) -> list[DayWindow]:
        return stretches(set(self.window).difference(day.date for day in self.built))

    def narrowed(self, window: DayWindow, built: Collection[date]) -> "Coverage":
        """The same of `window`, with no other days built than these."""
        days = [day for day in self.built if day.date in built and day.date in window]
        return replace(self, window=window, built=days)

    def meta(self) -> Meta:
        definitions = {day.definition for day in self.built}
        as_of = max((day.built_at for day in self.built), default=self.moment.now)
        if self.live:
            definitions.add(self.moment.definition)
            as_of = self.moment.now
        return Meta(
            as_of=as_of,
            built_through=self.built_through,
            definition=definitions.pop() if len(definitions) == 1 else MIXED_DEFINITIONS,
            cached=False,
        )


async def cover(connection: AsyncConnection, window: DayWindow, moment: Moment) -> Coverage:
    """Today always counts as not built: it is not over."""
    if not moment.has_builds:
        return Coverage(window, moment, [], None)
    built, through = await queries.built_days(connection, window)
    return Coverage(window, moment, [day for day in built if day.date != moment.today], through)


@dataclass(frozen=True, slots=True)
class Counted:
    """The groups of one window, each visitor once in each of them; `groups[POINTS]` is by the first
    day of each point. Groups without events are missing."""

    coverage: Coverage
    groups: dict[tuple[str, ...], Groups]
    total: Tally

    def by(self, *columns: str) -> Groups:
        """The tallies of one grouping, by the values of its columns."""
        return self.groups[columns]

    @property
    def unclassified_windows(self) -> list[DayWindow]:
        """Where live events have user agents or referrers that no run has classified yet."""
        return self.coverage.live if self.total.unclassified else []

    def totals(self) -> Metrics:
        """The sums of the window, and its visitors, each once."""
        return Metrics(**self.total.numbers)

    def common(self, asked: MetricsRange) -> dict[str, Any]:
        """The fields that every answer about a range has: `range`, `series` and `meta`. The series
        has one point for each interval of the range, zeros included."""
        points, empty = self.groups[POINTS], Tally()
        return {
            "range": AnsweredRange.of(asked),
            "series": [
                Point(date=label, **points.get((label,), empty).numbers) for label in asked.points()
            ],
            "meta": self.coverage.meta(),
        }

    def previous(self) -> PreviousPeriod:
        """This window as the period before another."""
        window = self.coverage.window
        return PreviousPeriod(start=window.first, end=window.last, totals=self.totals())


async def count(
    connection: AsyncConnection,
    breakdown: Breakdown,
    window: DayWindow,
    moment: Moment,
    interval: Interval = "month",
    own: Breakdown | None = None,
) -> Counted:
    """Everything of `breakdown` in `window`, by its groupings and by the points of `interval`.

    With `own` as a brand sees it: the groupings, and numbers other than LICENSED_NUMBERS, are of
    `own` only.
    """
    coverage = await cover(connection, window, moment)
    counted = await _count(connection, breakdown, coverage, interval)
    if own is None:
        return counted
    mine = await _count(connection, own, coverage, interval)
    points = counted.groups[POINTS]
    pairs = [(tally, mine.groups[POINTS].get(key, Tally())) for key, tally in points.items()]
    for shown, of_own in [(counted.total, mine.total), *pairs]:
        shown.numbers |= {n: v for n, v in of_own.numbers.items() if n not in LICENSED_NUMBERS}
    return replace(counted, groups={**mine.groups, POINTS: points})


async def _count(
    connection: AsyncConnection, breakdown: Breakdown, coverage: Coverage, interval: Interval
) -> Counted:
    window = coverage.window
    live = coverage.live
    found: list[breakdowns.Group] = []
    if live:
        # Where no day of the range is built nobody needs a number of the built sets.
        has_numbers = bool(coverage.built)
        found += await breakdowns.live_groups(connection, breakdown, live, interval, has_numbers)
    if coverage.built:
        found += await breakdowns.built_groups(connection, breakdown, window, live, interval, found)
        if breakdown.beside is not None:
            beside = replace(breakdown, scope=breakdown.beside)
            built = stretches(day.date for day in coverage.built)
            found += await breakdowns.live_groups(connection, beside, built, interval, True)
    groups: dict[tuple[str, ...], Groups] = {members: {} for members in (*breakdown.sets, POINTS)}
    for members, key, values in found:
        groups[members].setdefault(key, Tally()).add(*values)
    count_visitors([tally for grouped in groups.values() for tally in grouped.values()])
    return Counted(coverage, groups, together(list(groups[POINTS].values())))


class Comparable(Protocol):
    """An answer that may have the period before beside it."""

    previous: PreviousPeriod | None


async def compare(
    connection: AsyncConnection,
    answer: Comparable,
    breakdown: Breakdown,
    asked: MetricsRange,
    moment: Moment,
    own: Breakdown | None = None,
) -> list[DayWindow]:
    """Add the period before to `answer` if it is asked for; its unclassified windows."""
    if not asked.compare:
        return []
    everything = replace(breakdown, sets=(), top=None)  # without what groupings cost
    before = await count(connection, everything, asked.previous(), moment, own=own)
    answer.previous = before.previous()
    return before.unclassified_windows
