"""Removes personal data from events before they are stored.

In events, URLs are scrubbed, in their own columns and in the props that the tracking plan calls
`url`; campaign values lose e-mail addresses; properties named as a client's IP address are removed.
Ids are kept as sent, also where a sender uses an e-mail address as an id.
"""

import re
from operator import attrgetter
from typing import Any

import orjson

from eventmill.core.registry import EventRow, Kind, columns_of
from eventmill.core.tracking_plan import tracking_plan
from ingest_api.scrubbing import REDACTED, is_suspicious, scrub_text, scrub_url

URLS = columns_of(Kind.URL)
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
# Text of JSON that may be a URL with something to scrub; `scrub_url` decides.
_MAY_BE_URL = re.compile(r"://|^[/?#]|[?&#][^\s=&]+=")


def scrubbed(row: EventRow) -> EventRow:
    """The row as it may be stored."""
    urls = _urls(row)
    clean = tuple([scrub_url(url) if url else "" for url in urls])
    if clean != urls:
        row = row._replace(**dict(zip(URLS, clean, strict=True)))
    # Campaign values were read from URLs before these were scrubbed.
    tags = _tags(row)
    together = "\n".join(tags)
    if "@" in together or "eyJ" in together:
        row = row._replace(**dict(zip(TAGS, map(scrub_text, tags), strict=True)))
    if row.props_json == "{}":
        return row
    props_json = _props(row.event_type, row.props_json)
    return row if props_json is row.props_json else row._replace(props_json=props_json)


def _props(event_type: str, text: str) -> str:
    urls = tracking_plan().url_props.get(event_type, ()) if is_suspicious(text) else ()
    may_hold_ip = _MAY_HOLD_IP.search(text) is not None
    if not urls and not may_hold_ip:
        return text
    sent: dict[str, Any] = orjson.loads(text)
    props = _without_addresses(sent) if may_hold_ip else dict(sent)
    for name in urls:
        if isinstance(props.get(name), str):
            props[name] = scrub_url(props[name])
    return text if props == sent else orjson.dumps(props).decode()


def _without_addresses(value: Any) -> Any:
    """A JSON value without the properties that are named as an address, at any depth."""
    if isinstance(value, dict):
        return {k: _without_addresses(v) for k, v in value.items() if not _is_address(k)}
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    return value


def _is_address(name: str) -> bool:
    return len(name) <= 40 and re.sub(r"[\W_]", "", name).lower() in IP_FIELDS


def scrub_json(value: Any, depth: int = 0) -> Any:
    """A rejected payload, any JSON value, as it may be kept for replay.

    Removed are the properties named as an address, scrubbed all text that may be a URL. The rest
    stays to the letter, so that a replay stores what the first try would have stored.
    """
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, dict):
        return {
            name: scrub_json(item, depth + 1)
            for name, item in value.items()
            if not _is_address(name)
        }
    if isinstance(value, list):
        return [scrub_json(item, depth + 1) for item in value]
    if isinstance(value, str) and _MAY_BE_URL.search(value):
        return scrub_url(value)
    return value
