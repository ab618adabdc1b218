"""Sums of a group of events, and its visitors, as they come from several queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dashboards_api.metrics.schemas import Metrics
from dashboards_api.metrics.visitors import VisitorSet


@dataclass(slots=True)
class Tally:
    """The numbers of one group. `visitors` are packed as in `int_entity_days`, and one may be in
    several of them. `unclassified` events carry a user agent or referrer never seen before."""

    views: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue_cents: int = 0
    engagement_time: int = 0
    unclassified: int = 0
    visitors: list[bytes] = field(default_factory=list)

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

    @property
    def unique_visitors(self) -> int:
        return distinct(self.visitors)

    def metrics(self) -> Metrics:
        return Metrics(
            views=self.views,
            clicks=self.clicks,
            conversions=self.conversions,
            revenue_cents=self.revenue_cents,
            unique_visitors=self.unique_visitors,
            engagement_time=self.engagement_time,
        )


def distinct(packed: Iterable[bytes], kind: Literal[">u4", ">u8"] = ">u4") -> int:
    """How many different numbers there are. Sorted, which for the few visitors of most groups is
    faster than a set as large as the highest number."""
    stored = np.dtype(kind)
    numbers = np.frombuffer(b"".join(packed), dtype=stored).astype(stored.newbyteorder("="))
    if not numbers.size:
        return 0
    numbers.sort()
    return 1 + int(np.count_nonzero(numbers[1:] != numbers[:-1]))


def united(tallies: Iterable[Tally]) -> int:
    """How many different visitors several groups have together."""
    everybody = VisitorSet()
    for tally in tallies:
        for packed in tally.visitors:
            everybody.add(packed)
    return len(everybody)
