"""Checks an event's props: against what PostgreSQL can store, and against the tracking plan."""

from itertools import islice
from typing import Any

import orjson

from eventmill.core.errors import FieldError
from eventmill.core.plain_json import find_unstorable, is_plain
from eventmill.core.registry import MAX_PROPS_BYTES
from eventmill.core.tracking_plan import tracking_plan

# Whoever sends more mistakes than this learns enough from the first of them.
MAX_ERRORS = 20
MAX_MESSAGE_CHARACTERS = 300


def read_props(
    event_type: str | None, props: dict[str, Any], *, is_checked: bool, warnings: list[FieldError]
) -> tuple[str, list[FieldError]]:
    """The props as JSON, and what is wrong with them; `warnings` gets what was shortened.

    `event_type` is None if the plan does not know it. `is_checked`: it is known that they hold
    nothing that cannot be stored.
    """
    if not is_checked and not is_plain(props):
        unstorable = list(islice(find_unstorable(props, "props", 1), MAX_ERRORS))
        if unstorable:
            return "", unstorable
    encoded = orjson.dumps(props)
    wrong = _wrong(event_type, props, encoded)
    if wrong and event_type is not None:
        short, shortened = _shortened(event_type, props)
        if shortened:
            encoded = orjson.dumps(short)
            wrong = _wrong(event_type, short, encoded)
            warnings += [] if wrong else shortened
    return encoded.decode(), wrong


def _wrong(event_type: str | None, props: dict[str, Any], encoded: bytes) -> list[FieldError]:
    if len(encoded) > MAX_PROPS_BYTES:
        message = f"is {len(encoded):,} bytes of JSON; at most {MAX_PROPS_BYTES:,} are accepted"
        return [FieldError("props", message)]
    if event_type is None:
        return []
    return [
        FieldError(e.field[:MAX_MESSAGE_CHARACTERS], e.message[:MAX_MESSAGE_CHARACTERS])
        for e in tracking_plan().props_checker.errors(event_type, props)[:MAX_ERRORS]
    ]


def _shortened(event_type: str, props: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """Props whose texts fit as far as they may be shortened, and what was."""
    found: list[FieldError] = []
    short = dict(props)
    for name, longest in tracking_plan().shortened[event_type].items():
        value = props.get(name)
        if isinstance(value, str) and len(value) > longest:
            short[name] = value[:longest]
            found.append(shortened_to(f"props.{name}", longest))
    return short, found


def shortened_to(field: str, characters: int) -> FieldError:
    """The warning that the text of `field` was too long and was cut."""
    return FieldError(field, f"was shortened to {characters:,} characters")
