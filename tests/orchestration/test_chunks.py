"""How a range is cut, and how far it is."""

from datetime import date, timedelta
from itertools import pairwise

from eventmill.core.days import DayWindow
from orchestration.building.chunks import chunks, how_far

YEAR = DayWindow(date(2023, 1, 1), date(2023, 12, 31))


def test_a_range_is_cut_into_chunks_without_gaps() -> None:
    found = chunks(YEAR, 31)
    assert [len(chunk) for chunk in found] == [31] * 11 + [24]
    assert (found[0].first, found[-1].last) == (YEAR.first, YEAR.last)
    for one, other in pairwise(found):
        assert other.first == one.last + timedelta(days=1)
    night = DayWindow(YEAR.first, YEAR.first + timedelta(days=1))
    assert chunks(night, 31) == [night]


def test_progress_is_in_days_and_time() -> None:
    found = chunks(YEAR, 31)
    assert how_far(found[:2], YEAR, 62, 62.0) == "62 of 365 days, about 5 min left"
    # Chunks that were built before this run took it no time.
    assert how_far(found[:2], YEAR, 31, 62.0) == "62 of 365 days, about 10 min left"
    assert how_far(found[:2], YEAR, 0, 0) == "62 of 365 days"
    assert how_far(found[:11], YEAR, 341, 341.0) == "341 of 365 days, about 24 s left"
    assert how_far(found[:1], YEAR, 31, 31 * 60.0) == "31 of 365 days, about 5 h left"
    assert how_far(found, YEAR, 365, 365.0) == "365 of 365 days"
