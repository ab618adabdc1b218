"""Counting a range: built days from the marts, the others live, together in one snapshot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import AsyncConnection

from dashboards_api.metrics import queries
from dashboards_api.metrics.queries import Day, Moment, Receipt, Scope
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod
from dashboards_api.ranges import MetricsRange, interval_start
from eventmill.days import ONE_DAY, DayWindow

# Numbers that add up over days; visitors do not.
ADDITIVE = ("views", "clicks", "conversions", "revenue_cents", "engagement_time")
MIXED_DEFINITIONS = "mixed"


@dataclass(frozen=True, slots=True)
class Counted:
    """The days of one window. Days without events are missing from `days`."""

    window: DayWindow
    days: dict[date, Day]
    receipts: Sequence[Receipt]
    live: Sequence[DayWindow]

    @property
    def unclassified_windows(self) -> list[DayWindow]:
        """Where live events have user agents never seen before."""
        return list(self.live) if any(day.unclassified for day in self.days.values()) else []


async def count(
    connection: AsyncConnection, scope: Scope, window: DayWindow, today: date, moment: Moment
) -> Counted:
    """Every day of `window` by itself. Today is always counted live: it is not over."""
    found = await queries.receipts(connection, window) if moment.has_builds else []
    receipts = [receipt for receipt in found if receipt.date != today]
    built = [receipt.date for receipt in receipts]
    live = windows_without(window, built)
    rows: list[Day] = []
    if built:
        rows += await queries.built_days(connection, scope, built)
    if live:
        rows += await queries.live_days(connection, scope, live)
    return Counted(window, {row.date: row for row in rows}, receipts, live)


def windows_without(window: DayWindow, days: Iterable[date]) -> list[DayWindow]:
    """What is left of `window` without `days` (in order), as few windows as possible."""
    left, first = [], window.first
    for day in days:
        if first < day:
            left.append(DayWindow(first, day - ONE_DAY))
        first = day + ONE_DAY
    if first <= window.last:
        left.append(DayWindow(first, window.last))
    return left


async def totals(connection: AsyncConnection, scope: Scope, counted: Counted) -> Metrics:
    """The sums of a window, and its visitors, each once."""
    days = list(counted.days.values())
    if len(days) <= 1:  # one day's visitors are the range's
        visitors = sum(day.unique_visitors for day in days)
    else:
        visitors = await queries.visitors(connection, scope, counted.window)
    return Metrics(**_sums(days), unique_visitors=visitors)


async def series(
    connection: AsyncConnection, scope: Scope, asked: MetricsRange, counted: Counted
) -> list[Point]:
    """One point for each interval of the range, zeros included."""
    if asked.interval == "day":
        visitors = {day.date: day.unique_visitors for day in counted.days.values()}
    else:
        visitors = await queries.visitors_of_points(connection, scope, asked.days, asked.interval)
    members: dict[date, list[Day]] = {label: [] for label in asked.points()}
    for day in counted.days.values():
        members[interval_start(day.date, asked.interval)].append(day)
    return [
        Point(date=label, **_sums(days), unique_visitors=visitors.get(label, 0))
        for label, days in members.items()
    ]


async def previous(connection: AsyncConnection, scope: Scope, counted: Counted) -> PreviousPeriod:
    """A counted window as the period before another."""
    return PreviousPeriod(
        start=counted.window.first,
        end=counted.window.last,
        totals=await totals(connection, scope, counted),
    )


async def meta(connection: AsyncConnection, counted: Counted, moment: Moment) -> Meta:
    built_through = await queries.built_through(connection) if moment.has_builds else None
    definitions = {receipt.definition for receipt in counted.receipts}
    if counted.live:
        definitions.add(moment.definition)
        as_of = moment.now
    else:
        as_of = max(receipt.built_at for receipt in counted.receipts)
    return Meta(
        as_of=as_of,
        built_through=built_through,
        definition=definitions.pop() if len(definitions) == 1 else MIXED_DEFINITIONS,
        cached=False,
    )


def answered_range(asked: MetricsRange) -> AnsweredRange:
    return AnsweredRange(start=asked.days.first, end=asked.days.last, interval=asked.interval)


def _sums(days: Iterable[Day]) -> dict[str, Any]:
    members = list(days)
    return {name: sum(getattr(day, name) for day in members) for name in ADDITIVE}
