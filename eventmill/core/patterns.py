"""Regular expressions over text that a stranger may have sent: RE2, which cannot backtrack.

A call costs 2 µs more than one of Python's `re`, and each match 10 µs
(docs/decisions/0037-linear-time-over-senders-text.md). So what runs for every event is read by the
methods of `str`, or by an expression of `re` that repeats nothing without a bound. A test holds
both, over every module that sees such text.

RE2 has neither look-around nor back-references. `\\w`, `\\d`, `\\s` and `\\b` know ASCII only;
`WORD` and `SPACE` are for use inside of brackets and know Unicode as `re` does.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import re2

WORD = r"\pL\pN_"
SPACE = r"\s\v\x1c-\x1f\x{85}\pZ"


class Match(Protocol):
    """As of `re`: `match[1]` is the text of a group, None if it is no part of the match."""

    def __getitem__(self, group: int | str) -> Any: ...

    def groups(self) -> tuple[Any, ...]: ...

    def end(self) -> int: ...


class Pattern:
    """A regular expression of RE2. Half of a surrogate pair, which has no UTF-8, is read as U+FFFD.

    Raises ValueError for what is no expression.
    """

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.case_sensitive = not ignore_case
        options.log_errors = False
        try:
            self._regexp = re2.compile(pattern, options)
        except re2.error as error:
            reason = error.args[0] if error.args else ""
            raise ValueError(
                reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            ) from None

    @property
    def group_names(self) -> frozenset[str]:
        return frozenset(self._regexp.groupindex)

    def search(self, text: str) -> Match | None:
        """Where the expression is first found."""
        return self._found(self._regexp.search, text)

    def match(self, text: str, start: int = 0) -> Match | None:
        """The expression at `start`."""
        return self._found(self._regexp.match, text, start)

    def fullmatch(self, text: str) -> Match | None:
        """The whole text as the expression."""
        return self._found(self._regexp.fullmatch, text)

    @staticmethod
    def _found(find: Callable[..., Match | None], text: str, *place: int) -> Match | None:
        # Few texts have such a half: only for these is each character looked at.
        try:
            return find(text, *place)
        except UnicodeEncodeError:
            return find(_whole(text), *place)

    def finditer(self, text: str) -> Iterator[Match]:
        """Everywhere that the expression is found."""
        return iter(self._regexp.finditer(_whole(text)))

    def sub(self, replacement: str | Callable[[Match], str], text: str) -> str:
        """The text with what is found replaced; the same text if nothing is."""
        changed, count = self._regexp.subn(replacement, _whole(text))
        return str(changed) if count else text


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)
    return text
