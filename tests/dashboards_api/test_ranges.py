"""Ranges: the two ways to ask for days, their bounds, and the points of a series."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dashboards_api.ranges import (
    INTERVALS,
    MAX_DAYS,
    MetricsRange,
    RangeParameters,
    interval_start,
    period_days,
    resolve,
)
from eventmill.core.days import DayWindow
from eventmill.core.errors import InvalidFields

TODAY = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("period", "today", "first"),
    [
        ("7d", date(2015, 5, 20), date(2015, 5, 14)),
        ("30d", date(2015, 5, 20), date(2015, 4, 21)),
        ("90d", date(2015, 5, 20), date(2015, 2, 20)),
        ("12mo", date(2015, 5, 20), date(2014, 5, 21)),
        ("12mo", date(2024, 2, 29), date(2023, 3, 1)),
        ("12mo", date(2023, 2, 28), date(2022, 3, 1)),
        ("12mo", date(2015, 12, 31), date(2015, 1, 1)),
        ("mtd", date(2015, 5, 20), date(2015, 5, 1)),
        ("mtd", date(2015, 5, 1), date(2015, 5, 1)),
        ("ytd", date(2024, 2, 29), date(2024, 1, 1)),
    ],
)
def test_a_period_ends_today(period: str, today: date, first: date) -> None:
    asked = resolve(RangeParameters.model_validate({"period": period}), today)
    assert asked.days == DayWindow(first, today)


def test_nothing_asked_for_is_the_last_30_days() -> None:
    asked = resolve(RangeParameters(), TODAY)
    assert asked == MetricsRange(period_days("30d", TODAY), "day")
    assert len(asked.days) == 30


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"start": "2015-05-17"}, "end"),
        ({"end": "2015-05-17"}, "start"),
        ({"start": "2015-05-17", "end": "2015-05-16"}, "end"),
        ({"start": "2015-05-17", "end": "2015-05-18", "period": "7d"}, "period"),
        ({"end": "2015-05-18", "period": "7d"}, "period"),
        ({"start": "2013-01-01", "end": "2015-01-03"}, "end"),
    ],
)
def test_a_wrong_combination_names_the_parameter(given: dict[str, str], parameter: str) -> None:
    with pytest.raises(InvalidFields) as raised:
        resolve(RangeParameters.model_validate(given), TODAY)
    assert [error.field for error in raised.value.errors] == [parameter]


def test_the_longest_range_has_732_days() -> None:
    given = {"start": "2013-01-01", "end": "2015-01-02"}
    assert len(resolve(RangeParameters.model_validate(given), TODAY).days) == MAX_DAYS == 732


@pytest.mark.parametrize(
    "text",
    [
        "0000-00-00", "2015-02-29", "2015-13-01", "20150517", "2015-W20-7", "2015-5-17", "", " ",
        "2015-05-17T00:00:00Z", "1431820800", "2015-05-17\n", "٢٠١٥-٠٥-١٧", "1969-12-31",
        "3000-01-01", "\x00", "-2015-05-17", "today",
    ],
)  # fmt: skip
def test_only_a_plain_date_is_a_date(text: str) -> None:
    with pytest.raises(ValidationError, match="start"):
        RangeParameters.model_validate({"start": text, "end": "2015-05-20"})


DATES = st.dates(date(1970, 1, 1), date(2999, 12, 31))


@given(first=DATES, length=st.integers(1, MAX_DAYS), interval=st.sampled_from(INTERVALS))
def test_points_cover_every_day_once_and_in_order(first: date, length: int, interval: str) -> None:
    last = min(first + timedelta(days=length - 1), date(2999, 12, 31))
    asked = MetricsRange(DayWindow(first, last), interval)  # type: ignore[arg-type]
    points = list(asked.points())
    assert points == sorted(set(points))
    assert {interval_start(day, asked.interval) for day in asked.days} == set(points)
    assert points[0] <= first < points[0] + timedelta(days=31)
    assert all(point.isoweekday() == 1 for point in points if interval == "week")
    assert all(point.day == 1 for point in points if interval == "month")


@given(year=st.integers(1970, 2998), offset=st.integers(-12, 12))
def test_weeks_are_those_of_iso_8601_across_the_end_of_a_year(year: int, offset: int) -> None:
    """The first days of a year may be of its predecessor's last week, and the other way round."""
    day = date(year, 12, 31) + timedelta(days=offset)
    label = interval_start(day, "week")
    assert label == date.fromisocalendar(*day.isocalendar()[:2], 1)
    assert label.isocalendar()[:2] == day.isocalendar()[:2]


@given(first=DATES, length=st.integers(1, MAX_DAYS))
def test_a_range_has_a_point_for_each_of_its_iso_weeks(first: date, length: int) -> None:
    last = min(first + timedelta(days=length - 1), date(2999, 12, 31))
    asked = MetricsRange(DayWindow(first, last), "week")
    weeks = list(dict.fromkeys(day.isocalendar()[:2] for day in asked.days))
    assert [point.isocalendar()[:2] for point in asked.points()] == weeks


@given(first=DATES, length=st.integers(1, MAX_DAYS))
def test_the_period_before_is_as_long_and_ends_the_day_before(first: date, length: int) -> None:
    last = min(first + timedelta(days=length - 1), date(2999, 12, 31))
    asked = MetricsRange(DayWindow(first, last), "day")
    before = asked.previous()
    assert len(before) == len(asked.days)
    assert before.last + timedelta(days=1) == first
