"""Which days are asked for, when, and together with which."""

from datetime import UTC, date, datetime, timedelta

import pytest

from eventmill.core.days import DayWindow, stretches
from orchestration.rebuilding.reasons import summary
from orchestration.rebuilding.waiting import Waiting
from orchestration.runs import Runs, back_off

DAY = date(2026, 10, 13)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAUSE = timedelta(minutes=5)


def waiting(day: date = DAY, **known: object) -> Waiting:
    given = {"is_built": True, "touched_at": NOW, "tried_at": None, **known}
    return Waiting(day, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "is_due"),
    [
        ({"tried_at": NOW - timedelta(minutes=4, seconds=59)}, False),
        ({"tried_at": NOW - PAUSE}, True),
        # Failed or killed: not built, and tried again all the same.
        ({"is_built": False, "tried_at": NOW - PAUSE}, True),
        # Never tried: while a log is imported, the day is left to settle.
        ({"is_built": False, "touched_at": NOW - timedelta(minutes=1)}, False),
        ({"is_built": False, "touched_at": NOW - PAUSE}, True),
        # Noted by something else than a late event.
        ({"touched_at": None}, True),
    ],
)
def test_a_day_is_built_at_most_every_few_minutes(known: dict[str, object], is_due: bool) -> None:
    assert waiting(**known).is_due(NOW, PAUSE) is is_due


def test_yesterday_is_left_to_the_night() -> None:
    yesterday = waiting(date(2026, 11, 21), is_built=False, touched_at=NOW - timedelta(days=1))
    assert not yesterday.is_due(datetime(2026, 11, 22, 2, 59, tzinfo=UTC), PAUSE)
    assert yesterday.is_due(datetime(2026, 11, 22, 3, 0, tzinfo=UTC), PAUSE)


def test_consecutive_days_are_one_run_and_failed_ones_are_alone() -> None:
    days = [DAY + timedelta(days=number) for number in (0, 1, 2, 3, 5, 6)]
    assert stretches(days, 31) == [DayWindow(days[0], days[3]), DayWindow(days[4], days[5])]
    assert [len(window) for window in stretches(days, 2)] == [2, 2, 2]
    assert [len(window) for window in stretches(days, 31, {days[1]})] == [1, 1, 2, 2]


def test_a_failing_day_is_tried_less_and_less_often() -> None:
    pauses = [back_off(failures, PAUSE) for failures in (1, 2, 3, 4)]
    assert pauses == [timedelta(minutes=m) for m in (10, 20, 40, 80)]
    assert back_off(50, PAUSE) == timedelta(hours=6)
    assert back_off(1, timedelta(0)) == timedelta(minutes=2)
    runs = Runs(on=set(), failures={DAY: (2, NOW)})
    assert runs.holds_back(DAY, NOW + timedelta(minutes=19), PAUSE)
    assert not runs.holds_back(DAY, NOW + timedelta(minutes=20), PAUSE)
    assert not runs.holds_back(DAY + timedelta(days=1), NOW, PAUSE)
    assert Runs(on={DAY}, failures={}).holds_back(DAY, NOW, PAUSE)


def test_reasons_are_one_line() -> None:
    late = "2 late events, received 2026-11-22"
    assert summary({DAY: late}) == "2 late events on 2026-10-13, received 2026-11-22"
    days = {DAY + timedelta(days=number): "not built" for number in range(3)}
    assert summary(days) == "not built: 3 days from 2026-10-13 to 2026-10-15"
