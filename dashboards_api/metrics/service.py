"""Counting a range: built days from the marts, the others live, together in one snapshot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import AsyncConnection

from dashboards_api.metrics import queries
from dashboards_api.metrics.queries import Day, Moment, Receipt
from dashboards_api.metrics.schemas import AnsweredRange, Meta, Metrics, Point, PreviousPeriod
from dashboards_api.metrics.scopes import PLATFORM, Scope
from dashboards_api.metrics.visitors import Visitors, unique_visitors
from dashboards_api.ranges import Interval, MetricsRange, interval_start
from eventmill.core.days import DayWindow, stretches

# Numbers that add up over days; visitors do not.
ADDITIVE = ("views", "clicks", "conversions", "revenue_cents", "engagement_time")
MIXED_DEFINITIONS = "mixed"


@dataclass(frozen=True, slots=True)
class Counted:
    """The days of one window. Days without events are missing from `days`."""

    window: DayWindow
    days: dict[date, Day]
    visitors: Visitors
    receipts: Sequence[Receipt]
    live: Sequence[DayWindow]
    built_through: date | None = None

    @property
    def unclassified_windows(self) -> list[DayWindow]:
        """Where live events have user agents never seen before."""
        return list(self.live) if any(day.unclassified for day in self.days.values()) else []


async def count(
    connection: AsyncConnection,
    scope: Scope,
    window: DayWindow,
    today: date,
    moment: Moment,
    interval: Interval | None = None,
    *,
    with_total: bool = True,
) -> Counted:
    """Every day of `window` by itself, and its visitors, each once in the window and, with an
    `interval`, once in each of its points. Today is always counted live: it is not over.

    Without `with_total` the caller counts the visitors of the window, unless no day of it is built.
    """
    found, built_through = (
        await queries.receipts(connection, window) if moment.has_builds else ([], None)
    )
    receipts = [receipt for receipt in found if receipt.date != today]
    live = windows_without(window, [receipt.date for receipt in receipts])
    has_all_points = scope.is_one and interval == "day"  # each day has its number already
    only_points = has_all_points and bool(receipts) and not with_total
    # The sets of all the platform are read as bitmaps.
    is_entity = scope.is_one and scope is not PLATFORM
    with_sets = is_entity and not only_points
    rows: list[Day] = []
    if receipts:
        rows += await queries.built_days(
            connection, scope, window, live, is_entity=is_entity, with_sets=with_sets
        )
    built_rows = list(rows)
    if live:
        rows += await queries.live_days(connection, scope, live)
    if only_points or (scope.is_one and len(rows) <= 1):  # one day's visitors are the range's
        visitors = _of_days(rows, interval)
    else:
        points = None if has_all_points else interval
        built = [(day.date, day.visitors or b"") for day in built_rows] if with_sets else None
        visitors = await unique_visitors(connection, scope, window, live, points, built)
        if interval and not points:
            visitors = Visitors(visitors.total, _of_days(rows, interval).points)
    return Counted(window, {row.date: row for row in rows}, visitors, receipts, live, built_through)


def _of_days(rows: Sequence[Day], interval: Interval | None) -> Visitors:
    """The visitors of days that are each a point by itself, or of which there is only one."""
    points = {interval_start(row.date, interval): row.unique_visitors for row in rows if interval}
    return Visitors(sum(row.unique_visitors for row in rows), points)


def windows_without(window: DayWindow, days: Iterable[date]) -> list[DayWindow]:
    """What is left of `window` without `days`, as few windows as possible."""
    return stretches(set(window).difference(days))


def totals(counted: Counted) -> Metrics:
    """The sums of a window, and its visitors, each once."""
    return Metrics(**_sums(counted.days.values()), unique_visitors=counted.visitors.total)


def series(asked: MetricsRange, counted: Counted) -> list[Point]:
    """One point for each interval of the range, zeros included."""
    members: dict[date, list[Day]] = {label: [] for label in asked.points()}
    for day in counted.days.values():
        members[interval_start(day.date, asked.interval)].append(day)
    visitors = counted.visitors.points
    return [
        Point(date=label, **_sums(days), unique_visitors=visitors.get(label, 0))
        for label, days in members.items()
    ]


def previous(counted: Counted) -> PreviousPeriod:
    """A counted window as the period before another."""
    return PreviousPeriod(
        start=counted.window.first, end=counted.window.last, totals=totals(counted)
    )


async def meta(connection: AsyncConnection, counted: Counted, moment: Moment) -> Meta:
    built_through = counted.built_through
    if built_through is None and moment.has_builds:
        built_through = await queries.built_through(connection)
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
