"""UTC days. A window of time is always half-open: [start of first day, start of the day after)."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from eventmill.core.errors import ConfigurationError

ONE_DAY = timedelta(days=1)


def utc_today() -> date:
    return datetime.now(UTC).date()


def day_start(day: date) -> datetime:
    """Midnight UTC at which `day` begins."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def parse_day(text: str) -> date:
    """`YYYY-MM-DD` → date. Raises ConfigurationError naming the text."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not a date: use YYYY-MM-DD") from None


@dataclass(frozen=True, slots=True)
class DayWindow:
    """The UTC days `first` to `last`, both inclusive; `start` and `end` bound them half-open."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigurationError(
                f"the range ends ({self.last}) before it starts ({self.first})"
            )

    @property
    def start(self) -> datetime:
        return day_start(self.first)

    @property
    def end(self) -> datetime:
        return day_start(self.last + ONE_DAY)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day += ONE_DAY


def stretches(
    days: Iterable[date], longest: int | None = None, alone: Container[date] = ()
) -> list[DayWindow]:
    """The days as windows of consecutive ones, in order and as few as possible.

    A window has at most `longest` days. A day of `alone` gets a window for itself.
    """
    found: list[DayWindow] = []
    for day in sorted(set(days)):
        last = found[-1] if found else None
        if (
            last is None
            or day != last.last + ONE_DAY
            or len(last) == longest
            or day in alone
            or last.last in alone
        ):
            found.append(DayWindow(day, day))
        else:
            found[-1] = DayWindow(last.first, day)
    return found
