"""Sets of visitors' numbers are united and counted as Python's own sets are."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from dashboards_api.metrics import sets
from dashboards_api.metrics.sets import NumberSet, count_each, distinct_hashes

NUMBERS = st.lists(st.integers(1, 3_000), max_size=40)
LARGE = range(1, 3 * sets.SPARSE, 2)  # marked, not sorted


def packed(numbers: Iterable[int]) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def bitmap(numbers: Iterable[int]) -> bytes:
    words: defaultdict[int, int] = defaultdict(int)
    for number in numbers:
        words[number // 64] |= 1 << number % 64
    return b"".join(words[n].to_bytes(8, "big") for n in range(max(words, default=-1) + 1))


@given(st.lists(NUMBERS), st.lists(NUMBERS), st.booleans())
def test_numbers_and_bitmaps_are_one_set(
    some: list[list[int]], others: list[list[int]], is_large: bool
) -> None:
    members = NumberSet()
    expected: set[int] = set()
    for numbers in [*some, *([LARGE] if is_large else [])]:
        members.add(packed(numbers))
        expected |= set(numbers)
        assert len(members) == len(expected)
    for numbers in others:
        members.add_bitmap(bitmap(numbers))
        expected |= set(numbers)
        assert len(members) == len(expected)
    members.add(packed([5_000]))
    assert len(members) == len(expected | {5_000})


def test_a_set_unites_numbers_of_any_size() -> None:
    members = NumberSet()
    assert len(members) == 0
    for numbers in ([1, 258], [], [2**24 + 1, 1, 7]):
        members.add(packed(numbers))
    assert len(members) == 4


@given(st.lists(st.lists(NUMBERS)), st.booleans())
def test_many_sets_are_counted_at_once(groups: list[list[list[int]]], is_large: bool) -> None:
    if is_large:
        groups.insert(len(groups) // 2, [list(LARGE), [2], list(LARGE)])
    counts = count_each([[packed(numbers) for numbers in group] for group in groups])
    assert counts == [len(set().union(*group)) for group in groups]


@given(st.lists(st.lists(st.text())))
def test_hashes_of_ids_are_counted_once(days: list[list[str]]) -> None:
    of_days = [
        b"".join(hashlib.sha256(one.encode("utf-8", "replace")).digest()[:8] for one in ids)
        for ids in days
    ]
    expected = {one.encode("utf-8", "replace") for ids in days for one in ids}
    assert len(distinct_hashes(of_days)) == len(expected)
