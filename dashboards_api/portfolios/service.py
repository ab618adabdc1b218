"""Counting a portfolio over a range: its groups, its points and everything together."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psycopg import AsyncConnection

from dashboards_api.metrics.queries import Day, Moment, receipts
from dashboards_api.metrics.service import Counted, windows_without
from dashboards_api.metrics.sets import NumberSet
from dashboards_api.metrics.visitors import Visitors
from dashboards_api.portfolios import queries
from dashboards_api.portfolios.queries import POINTS, Breakdown
from dashboards_api.portfolios.tally import Tally, count_visitors
from dashboards_api.ranges import Interval
from eventmill.core.days import DayWindow

Groups = dict[tuple[Any, ...], Tally]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What was counted: `counted` has the points as its days, and `groups` the rest by grouping."""

    counted: Counted
    groups: dict[tuple[str, ...], Groups]

    def by(self, *columns: str) -> Groups:
        """The tallies of one grouping, by the values of its columns; none without events."""
        return self.groups[columns]

    @property
    def unclassified_windows(self) -> list[DayWindow]:
        return self.counted.unclassified_windows


async def count(
    connection: AsyncConnection,
    breakdown: Breakdown,
    window: DayWindow,
    today: date,
    moment: Moment,
    interval: Interval = "month",
) -> Portfolio:
    """Everything of `breakdown` in `window`, by its groupings and by the points of `interval`.

    Today is always counted live: it is not over.
    """
    found, built_through = await receipts(connection, window) if moment.has_builds else ([], None)
    built = [receipt for receipt in found if receipt.date != today]
    live = windows_without(window, [receipt.date for receipt in built])
    rows: list[queries.Group] = []
    if live:
        rows += await queries.live_groups(connection, breakdown, live, interval, moment.has_builds)
    if built:
        rows += await queries.built_groups(connection, breakdown, window, live, interval, rows)
    groups: dict[tuple[str, ...], Groups] = {members: {} for members in breakdown.sets}
    groups[POINTS] = {}
    for members, key, values in rows:
        groups[members].setdefault(key, Tally()).add(*values)
    count_visitors([tally for grouped in groups.values() for tally in grouped.values()])
    points = {point: tally for (point,), tally in groups[POINTS].items()}
    everybody = NumberSet.of(packed for tally in points.values() for packed in tally.visitors)
    days = {point: _as_day(point, tally) for point, tally in points.items()}
    visitors = Visitors(len(everybody), {point: day.unique_visitors for point, day in days.items()})
    return Portfolio(Counted(window, days, visitors, built, live, built_through), groups)


def _as_day(point: date, tally: Tally) -> Day:
    """A point of a series as `metrics.service` adds them up: by the first day of its interval."""
    return Day(
        date=point,
        views=tally.views,
        clicks=tally.clicks,
        conversions=tally.conversions,
        revenue_cents=tally.revenue_cents,
        unique_visitors=tally.unique_visitors,
        engagement_time=tally.engagement_time,
        unclassified=tally.unclassified,
    )


async def count_together(
    connection: AsyncConnection,
    breakdown: Breakdown,
    window: DayWindow,
    today: date,
    moment: Moment,
) -> Counted:
    """Everything of `breakdown` in `window`, without what its groupings cost."""
    first = breakdown.sets[0]
    everything = replace(breakdown, keys=first, sets=(first,), top=None)
    return (await count(connection, everything, window, today, moment)).counted
