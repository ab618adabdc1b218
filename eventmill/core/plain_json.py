"""Finds JSON values that PostgreSQL's text and jsonb cannot store, and where they are."""

from collections.abc import Iterator
from typing import Any

from eventmill.core.errors import FieldError

MAX_DEPTH = 32
# Larger whole numbers lose digits in most readers (JavaScript, doubles, bigint columns).
NUMBER_LIMIT = 2**63
MAX_PATH_CHARACTERS = 200


def is_plain(value: dict[str, Any]) -> bool:
    """True if `value` surely holds no number or nesting to complain of; False is "look closer".

    Says nothing about text. Most props are a few texts and small counts, and this is ten times
    faster than walking them.
    """
    for item in value.values():
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is int and -NUMBER_LIMIT <= item < NUMBER_LIMIT:
            continue
        return False
    return True


def find_unstorable(
    value: dict[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[FieldError]:
    """Every place in a JSON object that cannot be stored; `depth` levels are around it already."""
    for path, message in _problems(value, depth):
        names = [printable(str(name)) for name in reversed(path)]
        field = ".".join([prefix, *names] if prefix else names)
        yield FieldError(field[:MAX_PATH_CHARACTERS], message)


def _problems(
    value: dict[str, Any] | list[Any], depth: int
) -> Iterator[tuple[list[str | int], str]]:
    """(path from the inside out, message). Paths are made only where there is a problem: a body
    of 1 MB can have half a million values, and this runs in the event loop.
    """
    if depth >= MAX_DEPTH:
        yield [], f"is nested more than {MAX_DEPTH} levels deep"
        return
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        if type(name) is str and (problem := text_problem(name)):
            yield [name], f"has a name that {problem}"
        kind = type(item)
        if kind is str:
            if problem := text_problem(item):
                yield [name], problem
        elif kind is dict or kind is list:
            for path, message in _problems(item, depth + 1):
                path.append(name)
                yield path, message
        elif (kind is int or kind is float) and not -NUMBER_LIMIT <= item < NUMBER_LIMIT:
            # NaN is in no range.
            yield [name], "must be a finite number that fits 64 bits; send it as text"


def printable(text: str) -> str:
    """`text` with what cannot be shown or sent (NUL, lone surrogates) written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")


def text_problem(text: str) -> str | None:
    """Why PostgreSQL cannot hold `text`, or None."""
    if "\0" in text:
        return "holds the character NUL (\\u0000), which cannot be stored"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair, which is no character"
    return None
