"""How a range is cut, and how far it is."""

from datetime import date, timedelta
from itertools import pairwise

from eventmill.core.days import DayWindow, stretches
from orchestration.progress import how_far

YEAR = DayWindow(date(2023, 1, 1), date(2023, 12, 31))


def test_a_range_is_cut_into_chunks_without_gaps() -> None:
    found = stretches(YEAR, 31)
    assert [len(chunk) for chunk in found] == [31] * 11 + [24]
    assert (found[0].first, found[-1].last) == (YEAR.first, YEAR.last)
    for one, other in pairwise(found):
        assert other.first == one.last + timedelta(days=1)
    night = DayWindow(YEAR.first, YEAR.first + timedelta(days=1))
    assert stretches(night, 31) == [night]


def test_progress_is_in_days_and_time() -> None:
    assert how_far(62, 365, 62, 62.0) == "62 of 365 days, about 5 min left"
    # Chunks that were built before this run took it no time.
    assert how_far(62, 365, 31, 62.0) == "62 of 365 days, about 10 min left"
    assert how_far(62, 365) == "62 of 365 days"
    assert how_far(341, 365, 341, 341.0) == "341 of 365 days, about 24 s left"
    assert how_far(31, 365, 31, 31 * 60.0) == "31 of 365 days, about 5 h left"
    assert how_far(365, 365, 365, 365.0) == "365 of 365 days"
