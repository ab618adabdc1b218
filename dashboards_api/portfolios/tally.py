"""Sums of a group of events, and its visitors, as they come from several queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboards_api.metrics.schemas import Metrics
from dashboards_api.metrics.sets import count_each


@dataclass(slots=True)
class Tally:
    """The numbers of one group. `visitors` are packed as in `int_entity_days`, and one may be in
    several of them; `count_visitors` counts them. `unclassified` events carry a user agent or
    referrer never seen before."""

    views: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue_cents: int = 0
    engagement_time: int = 0
    unclassified: int = 0
    visitors: list[bytes] = field(default_factory=list)
    unique_visitors: int = 0

    def add(
        self,
        views: int,
        clicks: int,
        conversions: int,
        revenue_cents: int,
        engagement_time: int,
        unclassified: int,
        visitors: bytes | None,
    ) -> None:
        self.views += views
        self.clicks += clicks
        self.conversions += conversions
        self.revenue_cents += revenue_cents
        self.engagement_time += engagement_time
        self.unclassified += unclassified
        if visitors:
            self.visitors.append(visitors)

    def metrics(self) -> Metrics:
        return Metrics(
            views=self.views,
            clicks=self.clicks,
            conversions=self.conversions,
            revenue_cents=self.revenue_cents,
            unique_visitors=self.unique_visitors,
            engagement_time=self.engagement_time,
        )


def count_visitors(tallies: Sequence[Tally]) -> None:
    """Set `unique_visitors` of each."""
    counts = count_each([tally.visitors for tally in tallies])
    for tally, count in zip(tallies, counts, strict=True):
        tally.unique_visitors = count
