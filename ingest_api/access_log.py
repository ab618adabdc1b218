"""Parses one line of a web server's access log.

It reads the combined format of Apache and nginx, the common format (without referrer and user
agent) and `vhost_combined` (with the virtual host in front). Further columns are ignored, and
`LogLine.unknown_columns` has their number.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

COLUMNS = ("host", "ident", "user", "time", "request", "status", "size", "referrer", "user agent")

# No repetition gives back what it took, so the time is linear in a line, which a visitor can make
# as long as they like (tests/core/test_patterns.py).
_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_TIME_TEXT = r"[^\]\[\s]++ [+-]\d{4}"
# Up to the first that is a time: a user's name may hold brackets.
_TO_TIME = rf"(?:[^\[]++|\[(?!{_TIME_TEXT}\] ))*+\[({_TIME_TEXT})\] "
_LINE = re.compile(
    # `vhost_combined` puts `name:port` in front; ident, the second column after it, is always "-".
    r"\A(?:\S++(?:(?<=:\d)|(?<=:\d\d)|(?<=:\d{3})|(?<=:\d{4})|(?<=:\d{5})) (?=[^\s-]\S*+ - ))?"
    rf"(\S++) \S++ {_TO_TIME}"
    rf"(({_QUOTED}) (\d{{3}}|-) (?:\d++|-)(?: {_QUOTED} {_QUOTED})?)"
    r"(.*+)",
    re.ASCII | re.DOTALL,
)
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]++")
_VERSION = re.compile(r"\d++(?:\.\d++)?")
_TARGET_0_9 = re.compile(r"\S++")
_TIME = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_EXTRA = re.compile(rf" (?:{_QUOTED}|[^\s\"]\S*+)")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_CONTROL = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}


class LineError(ValueError):
    """A line that does not parse; says which column and why, never what the line holds."""


class LogLine(NamedTuple):
    host: str
    """Address or name of the client."""
    time: str
    """ISO 8601 in UTC."""
    method: str
    target: str
    """What was asked for: usually path and query, as sent."""
    status: int
    """0 if the log has none."""
    referrer: str
    user_agent: str
    content: str
    """The known columns without those that say who it was (host, ident, user)."""
    unknown_columns: tuple[int, ...]
    """Numbers of columns after the known ones, counted from 1."""


def parse_line(line: str) -> LogLine:
    """Raises LineError."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise LineError(_explain(line))
    host, time_text, content, _, request, status, referrer, user_agent, rest = match.groups()
    unknown: tuple[int, ...] = ()
    if rest and not rest.isspace():
        unknown = _unknown_columns(rest, 8 if user_agent is None else 10)
    method, target = _read_request(request)
    return LogLine(
        host,
        _utc(time_text),
        method,
        _text(target),
        0 if status == "-" else int(status),
        _text(referrer),
        _text(user_agent),
        f"{time_text} {content}",
        unknown,
    )


def _read_request(text: str) -> tuple[str, str]:
    """Method and target. HTTP 0.9 has no version and only GET."""
    method, _, rest = text.partition(" ")
    target, http, version = rest.rpartition(" HTTP/")
    if http and _VERSION.fullmatch(version):
        if _METHOD.fullmatch(method) and target and not target[0].isspace():
            return method, target
    elif method == "GET" and _TARGET_0_9.fullmatch(rest):
        return method, rest
    raise LineError("column 5 (request) is no HTTP request")


@lru_cache(maxsize=4096)
def _utc(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise LineError("column 4 (time) is not like [17/May/2015:10:05:03 +0000]")
    day, _, year, hour, minute, second, sign, offset_hours, offset_minutes = match.groups()
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(
            int(year), _MONTHS[match[2]], int(day), int(hour), int(minute), int(second), tzinfo=zone
        )
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise LineError(f"column 4 (time) is no time that exists: {error}") from None


def _text(value: str | None) -> str:
    """A quoted column's text: "-" is nothing; escapes of both servers are undone."""
    if value is None or value == "-":
        return ""
    if "\\" in value:
        value = _ESCAPE.sub(_unescape, value.encode()).decode(errors="replace")
    return value.replace("\0", "\ufffd")


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _CONTROL.get(code, code)


def _unknown_columns(rest: str, first: int) -> tuple[int, ...]:
    position, end = 0, len(rest.rstrip())
    numbers: list[int] = []
    while position < end:
        match = _EXTRA.match(rest, position)
        if match is None:
            raise LineError(_unclosed(first + len(numbers)))
        numbers.append(first + len(numbers))
        position = match.end()
    return tuple(numbers)


_STEPS = (
    (4, re.compile(rf"\S++ \S++ {_TO_TIME}")),
    (5, re.compile(rf"{_QUOTED}(?: |$)")),
    (6, re.compile(r"(\d{3}|-) ", re.ASCII)),
    (7, re.compile(r"(\d++|-)(?= |$)", re.ASCII)),
)


def _explain(line: str) -> str:
    """Which column of a line is the first that is wrong."""
    position = 0
    for number, pattern in _STEPS:
        match = pattern.match(line, position)
        if match is None:
            if line.find('"', position) == position and line.find('"', position + 1) < 0:
                return _unclosed(number)
            return f"column {number} ({COLUMNS[number - 1]}) is missing or wrong"
        position = match.end()
    return _unclosed(8)


def _unclosed(number: int) -> str:
    name = f" ({COLUMNS[number - 1]})" if number <= len(COLUMNS) else ""
    return f"column {number}{name} has no closing quote"
