"""Which days a dashboard call asks for, and how they are grouped into points.

A range is `start` and `end` (inclusive UTC dates) or `period` (ending today, UTC), never both.
Nothing at all means the last 30 days.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, get_args

from fastapi import Depends, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from eventmill.core.errors import FieldError, InvalidFields

MAX_TOP_ASSETS = 100
MAX_DAYS = 732
# Far enough for every event there can be, and arithmetic on them never leaves the calendar.
EARLIEST, LATEST = date(1970, 1, 1), date(2999, 12, 31)

Interval = Literal["day", "week", "month"]
Period = Literal["7d", "30d", "90d", "12mo", "mtd", "ytd"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)
DEFAULT_PERIOD: Period = "30d"

_ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def iso_date(value: object) -> date:
    """Accept `YYYY-MM-DD` and nothing else; pydantic would also take Unix times and date-times."""
    is_text = isinstance(value, str) and _ISO_DATE.fullmatch(value)
    try:
        day = date.fromisoformat(str(value)) if is_text else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("not a date of the calendar: use YYYY-MM-DD")
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"must lie between {EARLIEST} and {LATEST}")
    return day


Day = Annotated[date, BeforeValidator(iso_date)]


class DateRange(BaseModel):
    """The days asked for: `start` and `end`, or `period`."""

    model_config = ConfigDict(extra="forbid")

    start: Day | None = Field(
        None, description="First UTC day, inclusive. Goes with `end`.", examples=["2015-05-17"]
    )
    end: Day | None = Field(
        None,
        description="Last UTC day, inclusive; at most 732 days. Goes with `start`.",
        examples=["2015-05-20"],
    )
    period: Period | None = Field(
        None,
        description="Days up to and including today (UTC), instead of `start` and `end`:"
        " `7d` `30d` `90d` count days, `12mo` goes back twelve months, `mtd` and `ytd` begin with"
        " this month and this year. Default: `30d`.",
        examples=["30d"],
    )


class RangeParameters(DateRange):
    """The query parameters that every metrics call shares."""

    interval: Interval = Field(
        "day",
        description="How long one point of `series` is. Weeks begin on Monday (ISO 8601). A point's"
        " `date` is the first day of its interval; what lies outside the range is not counted.",
        examples=["week"],
    )
    compare: Literal["previous"] | None = Field(
        None,
        description="`previous` adds the totals of as many days right before the range.",
        examples=["previous"],
    )


class TopParameters(RangeParameters):
    """The same of an answer with a list of assets."""

    limit: int = Field(
        20,
        ge=1,
        le=MAX_TOP_ASSETS,
        description="How many assets are listed at most, of each project where there are projects:"
        " the most viewed.",
    )


@dataclass(frozen=True, slots=True)
class MetricsRange:
    """The days asked for, the interval of their points, and whether to add the period before."""

    days: DayWindow
    interval: Interval
    compare: bool = False

    def points(self) -> Iterator[date]:
        """The label of each point, in order."""
        previous = None
        for day in self.days:
            label = interval_start(day, self.interval)
            if label != previous:
                yield label
            previous = label

    @property
    def all_days(self) -> DayWindow:
        """The days asked for, and those of the period before if it is to be added."""
        return DayWindow(self.previous().first, self.days.last) if self.compare else self.days

    def previous(self) -> DayWindow:
        """As many days, right before the range."""
        last = self.days.first - ONE_DAY
        return DayWindow(last - timedelta(days=len(self.days) - 1), last)


def interval_start(day: date, interval: Interval) -> date:
    """First day of the interval that `day` lies in."""
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def period_days(period: Period, today: date) -> DayWindow:
    """The days of a named period that ends with `today`."""
    match period:
        case "7d" | "30d" | "90d":
            first = today - timedelta(days=int(period[:-1]) - 1)
        case "12mo":
            first = _a_year_before(today) + ONE_DAY
        case "mtd":
            first = today.replace(day=1)
        case "ytd":
            first = today.replace(month=1, day=1)
    return DayWindow(first, today)


def _a_year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)


def resolve(parameters: RangeParameters, today: date) -> MetricsRange:
    """Parameters → days and points. Raises InvalidFields that names the parameter to change."""
    days = resolve_days(parameters, today)
    return MetricsRange(days, parameters.interval, parameters.compare is not None)


def resolve_days(asked: DateRange, today: date) -> DayWindow:
    """Raises InvalidFields that names the field to change."""
    start, end, period = asked.start, asked.end, asked.period
    if start is None and end is None:
        return period_days(period or DEFAULT_PERIOD, today)
    if period is not None:
        raise _invalid("period", "cannot be combined with start or end: use one of the two ways")
    if start is None or end is None:
        missing = "start" if start is None else "end"
        raise _invalid(missing, "is missing: start and end go together")
    if end < start:
        raise _invalid("end", f"{end} is before start ({start})")
    if (length := (end - start).days + 1) > MAX_DAYS:
        raise _invalid("end", f"the range has {length} days: at most {MAX_DAYS} are allowed")
    return DayWindow(start, end)


def requested_range(
    request: Request, parameters: Annotated[RangeParameters, Query()]
) -> MetricsRange:
    """FastAPI dependency: what the query string asks for."""
    refuse_repeated(request)
    return resolve(parameters, utc_today())


def requested_top(
    request: Request, parameters: Annotated[TopParameters, Query()]
) -> tuple[MetricsRange, int]:
    """FastAPI dependency: the range, and how many assets."""
    refuse_repeated(request)
    return resolve(parameters, utc_today()), parameters.limit


Asked = Annotated[MetricsRange, Depends(requested_range)]
AskedTop = Annotated[tuple[MetricsRange, int], Depends(requested_top)]


def refuse_repeated(request: Request) -> None:
    """Raise InvalidFields that names each query parameter that comes more than once."""
    names = [name for name, _ in request.query_params.multi_items()]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidFields([FieldError(name, "is given more than once") for name in repeated])


def _invalid(parameter: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(parameter, message)])
