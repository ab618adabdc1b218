"""Removes personal data from events before they are stored.

In events, URLs are scrubbed, in their own columns and in the props that the tracking plan calls
`url`; campaign values lose e-mail addresses; properties named as a client's IP address are removed.
What looks like a write key or a JWT is kept nowhere. Otherwise ids are kept as sent, also where a
sender uses an e-mail address as an id.
"""

import hashlib
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import orjson

from eventmill.core.credentials import REDACTED, may_hold_credentials, without_credentials
from eventmill.core.registry import COLUMNS, EventRow, Kind, columns_of
from eventmill.core.tracking_plan import tracking_plan
from ingest_api.scrubbing import is_suspicious, scrub_text, scrub_url

URLS = columns_of(Kind.URL)
IDS = frozenset(columns_of(Kind.PERSON, Kind.VISIT, Kind.THING))
TAGS = columns_of(Kind.CAMPAIGN, Kind.TAG_TEXT, Kind.CLICK)
_urls, _tags = attrgetter(*URLS), attrgetter(*TAGS)
# No event may be nested as deeply; what is so deep in a rejected one is not kept.
MAX_DEPTH = 64
# Names, in lower case and without separators, under which clients and proxies report an address.
IP_FIELDS = frozenset(
    (
        "ip", "ipaddr", "ipaddress", "ipv4", "ipv6", "clientip", "clientipaddress", "userip",
        "useripaddress", "visitorip", "realip", "xrealip", "remoteip", "remoteaddr",
        "remoteaddress", "requestip", "sourceip", "lastip", "ipoverride", "xforwardedfor",
        "forwardedfor", "cfconnectingip", "trueclientip", "xclientip", "fastlyclientip",
    )
)  # fmt: skip
# A name that may be one of these, in JSON text; most events hold none and are not parsed again.
_MAY_HOLD_IP = re.compile(
    r'ip(?:v[46]|[\W_]?addr(?:ess)?|[\W_]?override)?"|addr(?:ess)?"|for"', re.I
)
# A parameter of what may be a URL; `scrub_url` decides.
_PARAMETER = re.compile(r"[?&#][^\s=&?#]*+=")
_SCRUBBED = (str, dict, list)
_NO_WORD = re.compile(r"[\W_]")
_TIMES = frozenset(name for name, column in COLUMNS.items() if column.type == "timestamptz")
# Columns that no sender's text is in as it was sent, or that have their own treatment.
_OWN = _TIMES | {"event_id", "props_json"}


def scrubbed(row: EventRow) -> EventRow:
    """The row as it may be stored."""
    urls = _urls(row)
    clean = tuple([scrub_url(url) if url else "" for url in urls])
    if clean != urls:
        row = row._replace(**dict(zip(URLS, clean, strict=True)))
    # Campaign values were read from URLs before these were scrubbed.
    together = "\n".join(row)
    if "@" in together:
        row = row._replace(**dict(zip(TAGS, map(scrub_text, _tags(row)), strict=True)))
    has_credentials = may_hold_credentials(together)
    if has_credentials:
        row = EventRow._make(
            text if name in _OWN else _without_credentials(name, text)
            for name, text in zip(EventRow._fields, row, strict=True)
        )
    if row.props_json == "{}":
        return row
    props_json = _props(row.event_type, row.props_json, has_credentials=has_credentials)
    return row if props_json is row.props_json else row._replace(props_json=props_json)


def _without_credentials(column: str, text: str) -> str:
    return hidden_id(text) if column in IDS else without_credentials(text)


def hidden_id(sent: str) -> str:
    """An id that holds no credentials; one that does still tells its owner from others."""
    clean = without_credentials(sent)
    if clean == sent:
        return sent
    return f"{REDACTED}-{hashlib.blake2b(sent.encode(), digest_size=12).hexdigest()}"


def _props(event_type: str, text: str, *, has_credentials: bool) -> str:
    urls = tracking_plan().url_props.get(event_type, ()) if is_suspicious(text) else ()
    may_hold_ip = _MAY_HOLD_IP.search(text) is not None
    if not urls and not may_hold_ip and not has_credentials:
        return text
    sent: dict[str, Any] = orjson.loads(text)
    props = _without_addresses(sent) if may_hold_ip else dict(sent)
    for name in urls:
        if isinstance(props.get(name), str):
            props[name] = scrub_url(props[name])
    if has_credentials:
        props = mapped_texts(without_credentials, props)
    return text if props == sent else orjson.dumps(props).decode()


def mapped_texts(clean: Callable[[str], str], value: Any) -> Any:
    """A JSON value with each text and each name as `clean` makes it."""
    if isinstance(value, dict):
        return {clean(name): mapped_texts(clean, item) for name, item in value.items()}
    if isinstance(value, list):
        return [mapped_texts(clean, item) for item in value]
    return clean(value) if isinstance(value, str) else value


def _without_addresses(value: Any) -> Any:
    """A JSON value without the properties that are named as an address, at any depth."""
    if isinstance(value, dict):
        return {k: _without_addresses(v) for k, v in value.items() if not _is_address(k)}
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    return value


def _is_address(name: str) -> bool:
    return len(name) <= 40 and _NO_WORD.sub("", name).lower() in IP_FIELDS


def scrub_json(value: Any, depth: int = 0) -> Any:
    """A rejected payload, any JSON value, as it may be kept for replay.

    Removed are the properties named as an address and what looks like credentials, scrubbed all
    text that may be a URL. The rest stays to the letter, so that a replay stores what the first try
    would have stored.
    """
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, dict):
        return {
            without_credentials(name): (
                scrub_json(item, depth + 1) if isinstance(item, _SCRUBBED) else item
            )
            for name, item in value.items()
            if not _is_address(name)
        }
    if isinstance(value, list):
        return [
            scrub_json(item, depth + 1) if isinstance(item, _SCRUBBED) else item for item in value
        ]
    return _scrub_any(value) if isinstance(value, str) else value


def _scrub_any(text: str) -> str:
    if "://" in text or text[:1] in ("/", "?", "#") or ("=" in text and _PARAMETER.search(text)):
        return scrub_url(text)
    return without_credentials(text)
