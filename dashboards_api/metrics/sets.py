"""Unites and counts the sets of visitors' numbers that built days have.

Visitors are packed as in `int_entity_days`, four bytes a number, the most significant first; a day
of the whole platform has a bitmap of them (docs/decisions/0014).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

# A set with more numbers than this is marked in an array of one byte for each number up to the
# highest; fewer are sorted.
SPARSE = 2_048


class NumberSet:
    """Different numbers: a few of them as they come, many as a byte for each up to the highest."""

    def __init__(self) -> None:
        self._few: list[NDArray[np.uint32]] = []
        self._count = 0
        self._is_in = np.zeros(0, dtype=np.bool_)
        self._words = np.zeros(0, dtype=np.uint64)

    @classmethod
    def of(cls, packed: Iterable[bytes]) -> "NumberSet":
        """All of these sets together."""
        found = cls()
        found.add(b"".join(packed))
        return found

    def add(self, packed: bytes) -> None:
        """Unite with numbers of four bytes each, the most significant first."""
        self._few.append(np.frombuffer(packed, dtype=">u4").astype(np.uint32))
        self._count += self._few[-1].size
        if self._count > SPARSE:
            self._mark()

    def add_bitmap(self, bits: bytes) -> None:
        """Unite with words of eight bytes, the most significant first; number n is bit n % 64 of
        word n / 64, counted from the least significant."""
        words = np.frombuffer(bits, dtype=">u8")
        if words.size > self._words.size:
            grown = np.zeros(words.size, dtype=np.uint64)
            grown[: self._words.size] = self._words
            self._words = grown
        self._words[: words.size] |= words

    def __len__(self) -> int:
        if self._words.size:
            marked = np.unpackbits(self._words.astype("<u8").view(np.uint8), bitorder="little")
            self._grow(marked.size)
            self._is_in[: marked.size] |= marked.view(np.bool_)
            self._words = np.zeros(0, dtype=np.uint64)
        if self._is_in.size:
            self._mark()
            return int(np.count_nonzero(self._is_in))
        return np.unique(np.concatenate(self._few)).size if self._few else 0

    def _mark(self) -> None:
        for numbers in self._few:
            if numbers.size:
                self._grow(int(numbers.max()) + 1)
                self._is_in[numbers] = True
        self._few, self._count = [], 0

    def _grow(self, size: int) -> None:
        if size > self._is_in.size:
            grown = np.zeros(size, dtype=np.bool_)
            grown[: self._is_in.size] = self._is_in
            self._is_in = grown


def count_each(groups: Sequence[Sequence[bytes]]) -> list[int]:
    """How many different numbers each of many groups of packed sets has, in their order.

    Sorted all at once: most groups of a dashboard have a few numbers, for each of which the way
    into numpy would take longer than the sorting.
    """
    counts = [0] * len(groups)
    small: list[int] = []
    packed: list[bytes] = []
    for position, group in enumerate(groups):
        if sum(map(len, group)) > SPARSE * 4:
            counts[position] = len(NumberSet.of(group))
        elif group:
            small.append(position)
            packed.append(b"".join(group))
    if not small:
        return counts
    sizes = np.fromiter(map(len, packed), dtype=np.intp, count=len(packed)) // 4
    numbers = np.frombuffer(b"".join(packed), dtype=">u4").astype(np.uint64)
    keys = np.repeat(np.arange(len(packed), dtype=np.uint64) << np.uint64(32), sizes) | numbers
    keys.sort()
    is_first = np.ones(keys.size, dtype=np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    groups_of = (keys[is_first] >> np.uint64(32)).astype(np.intp)
    for position, count in zip(small, np.bincount(groups_of, minlength=len(small)), strict=True):
        counts[position] = int(count)
    return counts


def distinct_hashes(packed: Iterable[bytes]) -> pl.Series:
    """The different ones of hashes of eight bytes each. Not sorted: a hash table takes a quarter of
    the time."""
    return pl.Series(np.frombuffer(b"".join(packed), dtype=np.uint64)).unique()
