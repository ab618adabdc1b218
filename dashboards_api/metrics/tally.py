"""Adds up the sums and visitors of a group of events from several queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dashboards_api.metrics.registry import ADDITIVE, NUMBERS
from dashboards_api.metrics.sets import NumberSet, count_each

Name = TypeVar("Name", str, str | None)
_ZEROS = {one.name: 0 for one in NUMBERS}


@dataclass(slots=True)
class Tally:
    """The numbers of one group, by their names. `visitors` are packed as in `int_entity_days`,
    `bitmaps` as in `int_platform_visitors`, and one visitor may be in several of them;
    `count_visitors` counts them. `unclassified` events carry a user agent or referrer that no run
    has classified yet."""

    numbers: dict[str, int] = field(default_factory=_ZEROS.copy)
    unclassified: int = 0
    visitors: list[bytes] = field(default_factory=list)
    bitmaps: list[bytes] = field(default_factory=list)

    def add(
        self, sums: Sequence[int], unclassified: int, visitors: bytes | list[bytes] | None
    ) -> None:
        """Take in a row: its sums in the order of ADDITIVE, and its set or bitmaps of visitors."""
        for name, value in zip(ADDITIVE, sums, strict=True):
            self.numbers[name] += value
        self.unclassified += unclassified
        if isinstance(visitors, list):
            self.bitmaps += visitors
        elif visitors:
            self.visitors.append(visitors)

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]


def by_views(tallies: dict[Name, Tally]) -> list[tuple[Name, Tally]]:
    """The most viewed first; of equals the one that earned more, then by name, no name first."""

    def rank(item: tuple[Name, Tally]) -> tuple[int, int, str]:
        name, tally = item
        return (-tally["views"], -tally["revenue_cents"], name or "")

    return sorted(tallies.items(), key=rank)


def count_visitors(tallies: Sequence[Tally]) -> None:
    """Set `unique_visitors` of each."""
    small = [tally for tally in tallies if not tally.bitmaps]
    counts = count_each([tally.visitors for tally in small])
    for tally, count in zip(small, counts, strict=True):
        tally.numbers["unique_visitors"] = count
    for tally in tallies:
        if tally.bitmaps:
            tally.numbers["unique_visitors"] = len(_members([tally]))


def together(tallies: Sequence[Tally]) -> Tally:
    """All of these as one group: who is in several of them is one visitor."""
    total = Tally()
    for tally in tallies:
        total.add([tally[name] for name in ADDITIVE], tally.unclassified, None)
    total.numbers["unique_visitors"] = len(_members(tallies))
    return total


def _members(tallies: Iterable[Tally]) -> NumberSet:
    members = NumberSet()
    for tally in tallies:
        members.add(b"".join(tally.visitors))
        for bits in tally.bitmaps:
            members.add_bitmap(bits)
    return members
