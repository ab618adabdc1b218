"""Credentials in text that is kept or logged: what looks like a write key or a JWT goes."""

import re

REDACTED = "redacted"

# A run of characters is tried once, where it begins, and never given back: linear in the text.
_WRITE_KEY = re.compile(r"emk_(?:pub|sec)_[\w-]++")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{2,}+(?:\.[\w-]*+)?")


def may_hold_credentials(text: str) -> bool:
    """False if there is surely none."""
    return "emk_" in text or "eyJ" in text


def without_credentials(text: str) -> str:
    """The text with `redacted` in place of each."""
    text = _WRITE_KEY.sub(REDACTED, text) if "emk_" in text else text
    return _JWT.sub(REDACTED, text) if "eyJ" in text else text
