"""Every regular expression over text of senders takes time that is linear in the text."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import dashboards_api
import ingest_api
from eventmill import core, http, privacy
from eventmill.core.patterns import Pattern

ROOMS = (core, http, privacy, ingest_api, dashboards_api)
# So often may something be repeated that can be given back.
FEW = 32
LENGTH = 8_000


def _modules() -> Iterator[ModuleType]:
    for room in ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _compiled() -> dict[str, Any]:
    """Every compiled expression that stands in a module, also within a tuple."""
    found: dict[str, Any] = {}
    for module in _modules():
        for name, value in vars(module).items():
            for number, one in enumerate(_flat(value)):
                if isinstance(one, re.Pattern | Pattern):
                    found.setdefault(f"{module.__name__}.{name}[{number}]", one)
    return found


def _flat(value: object) -> list[object]:
    if isinstance(value, tuple | list):
        return [one for part in value for one in _flat(part)]
    return [value]


COMPILED = _compiled()


def _given_back(parsed: Any) -> Iterator[str]:
    """The repetitions without a small bound that are not possessive."""
    for kind, value in parsed:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT) and value[1] > FEW and value[0] != value[1]:
            yield f"{kind} {value[0]} to {value[1]}"
        for part in value if isinstance(value, tuple | list) else (value,):
            for deeper in part if isinstance(part, list) else (part,):
                if isinstance(deeper, _parser.SubPattern):
                    yield from _given_back(deeper)


@pytest.mark.parametrize("name", [n for n, p in COMPILED.items() if isinstance(p, re.Pattern)])
def test_python_s_expressions_give_nothing_back(name: str) -> None:
    """Possessive repetitions cannot backtrack. RE2 cannot either and is not looked at."""
    pattern = COMPILED[name]
    assert not list(_given_back(_parser.parse(pattern.pattern, pattern.flags)))


def test_this_sees_what_gives_back() -> None:
    assert list(_given_back(_parser.parse("(?:a+)+b")))
    assert list(_given_back(_parser.parse("a(b|c.*?)d")))
    assert not list(_given_back(_parser.parse("(?:a++)++b{40}c?")))


HOSTILE = (
    "a", "@", "a@", "a.", "x@b.", "%25", "%2525", "?", "x?", "?a=", "&", "=", "://", "//a", "eyJ",
    "eyJaaaaaaaaaaa.", "emk_pub_", "\\", '"', '\\"', " ", "- ", "[", "[a +0000] ", "1", "-", "A",
    "aA", "_", "\u00e9", "\u2003", "\ud800", "tizen ", "www", "web0s", "a@a", "<script>", '"sub":"',
    "utm_source=", "?utm_source=", "0" * 8 + "-", "GET ", " HTTP/1.1", ";", "#", "/", ".com",
)  # fmt: skip
USES = ("search", "fullmatch", "finditer", "sub")
# Columns of a line, each read where the one before has ended, and never looked for elsewhere.
MATCHED = ("ingest_api.access_log._STEPS", "ingest_api.access_log._EXTRA")


def _seconds(pattern: Any, use: str, text: str | bytes) -> float:
    started = time.process_time()
    if use == "finditer":
        for _ in pattern.finditer(text):
            pass
    elif use == "sub":
        pattern.sub("" if isinstance(text, str) else b"", text)
    else:
        getattr(pattern, use)(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", COMPILED)
def test_twice_the_text_takes_twice_the_time(name: str) -> None:
    """A quadratic search of 16,000 characters takes 0.2 s or more, a linear one milliseconds.

    What is slow is measured again, and fails only if twice the text takes four times as long.
    """
    pattern = COMPILED[name]
    is_binary = isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, bytes)
    uses = ("match", "fullmatch") if name.startswith(MATCHED) else USES
    for piece in HOSTILE:
        text = piece * (LENGTH // len(piece))
        for whole in ("?x" + text * 2, text * 2 + "\n!"):
            sent = whole.encode(errors="replace") if is_binary else whole
            for use in uses:
                if _seconds(pattern, use, sent) < 0.15:
                    continue
                double = min(_seconds(pattern, use, sent) for _ in range(2))
                half = sent[:LENGTH] + sent[2 * LENGTH :]
                single = min(_seconds(pattern, use, half) for _ in range(2))
                assert double < 3.2 * single, (piece, use, single, double)


def test_half_of_a_surrogate_pair_is_read_as_no_character() -> None:
    pattern = Pattern("b+")
    assert pattern.search("\ud800b")
    assert not pattern.fullmatch("\ud800b")
    assert pattern.sub("x", "\ud800b") == "\ufffdx"
    assert pattern.sub("x", "\ud800") == "\ud800"


def test_what_is_no_expression_is_said() -> None:
    with pytest.raises(ValueError, match="missing"):
        Pattern("(")
