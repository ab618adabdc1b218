"""Which lines of an access log become events, and what event each becomes."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from eventmill.core.errors import ConfigurationError
from eventmill.core.patterns import Pattern
from ingest_api.access_log import LogLine
from ingest_api.event_ids import uuid_from_digest

SOURCE = "access_log"
ASSET_GROUP = "ip_asset_id"
# Longest `path` that the tracking plan takes.
MAX_PATH_CHARACTERS = 2048

PAGE_PARTS = """
css js mjs map json wasm webmanifest ico cur png jpg jpeg gif webp avif svg svgz bmp tif tiff
woff woff2 ttf otf eot
"""
MEDIA = "mp3 m4a ogg oga wav flac mp4 m4v webm ogv mov avi mkv mpg mpeg swf flv m3u8 ts"
DOWNLOADS = """
pdf doc docx xls xlsx ppt pptx odt ods odp epub csv zip gz tgz bz2 xz zst tar 7z rar jar war
exe msi dmg pkg deb rpm apk iso bin pcap
"""
# robots.txt, sitemaps, feeds, style sheets of XML.
FOR_PROGRAMS = "txt xml xsl rss atom rdf"
# Files that pages are made of or link to; they are not pages themselves.
STATIC_EXTENSIONS = frozenset(f"{PAGE_PARTS} {MEDIA} {DOWNLOADS} {FOR_PROGRAMS}".split())
FEED_NAMES = frozenset({"feed", "rss", "atom"})

# How many different lines are remembered to number those that repeat: twice this, about 120 MB.
REMEMBERED = 500_000


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the command line says about a log."""

    all_requests: bool = False
    asset_pattern: Pattern | None = None
    site: str = ""
    """Put before paths to make page_url, such as `https://example.com`."""


def compile_asset_pattern(text: str) -> Pattern:
    """Raises ConfigurationError that says what is wrong with the pattern."""
    try:
        pattern = Pattern(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--asset-pattern {text!r} is no regular expression of RE2: {error}"
        ) from None
    if ASSET_GROUP not in pattern.group_names:
        raise ConfigurationError(
            f"--asset-pattern {text!r} has no group named {ASSET_GROUP}:"
            rf" write the part that is the asset's id as (?P<{ASSET_GROUP}>[^/]+)"
        )
    return pattern


def skip_reason(line: LogLine) -> str | None:
    """Why a line is no page request that succeeded; None if it is one."""
    if line.method != "GET":
        return "method is not GET"
    if not (200 <= line.status <= 299 or line.status == 304):
        return "status is not 2xx or 304"
    name = path_of(line.target).rstrip("/").rpartition("/")[2].lower()
    if name.rpartition(".")[2] in STATIC_EXTENSIONS and "." in name:
        return "static file"
    if name in FEED_NAMES:
        return "feed"
    return None


def path_of(target: str) -> str:
    """The path of a request's target, which a proxy's client sends as a whole URL."""
    if target.startswith("/"):
        return target.partition("?")[0]
    try:
        return urlsplit(target).path or "/"
    except ValueError:
        return target.partition("?")[0]


class LogEvents:
    """Makes events of one log's lines. Keeps count of lines that repeat, so use one for each log.

    An event's id is a hash of its line's content, without the address, and of how many equal lines
    came before it. So importing a log again makes the same ids, whatever the options, and equal
    lines of one log stay distinct requests. A hash that includes the address could be reversed by
    trying all addresses.

    Equal lines have the same second, so they are close together; those with more than a million
    different ones between them are taken for one.
    """

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._recent: dict[bytes, int] = {}
        self._older: dict[bytes, int] = {}

    def event(self, line: LogLine) -> dict[str, Any]:
        """The envelope of a line's event."""
        path = path_of(line.target)
        asset_id = self._asset_id(path)
        props: dict[str, Any] = {"path": path[:MAX_PATH_CHARACTERS], "method": line.method}
        if 100 <= line.status <= 599:
            props["status"] = line.status
        event = {
            "event_id": self._event_id(line.content),
            "event_type": "asset_viewed" if asset_id else "page_viewed",
            "occurred_at": line.time,
            "source": SOURCE,
            "props": props,
            "context": {
                "page_url": self._page_url(line.target),
                "referrer": line.referrer,
                "user_agent": line.user_agent,
            },
        }
        if asset_id:
            event["ip_asset_id"] = asset_id
        return event

    def _page_url(self, target: str) -> str:
        return self._options.site + target if target.startswith("/") else target

    def _asset_id(self, path: str) -> str:
        pattern = self._options.asset_pattern
        if pattern is None:
            return ""
        match = pattern.search(path)
        found = match[ASSET_GROUP] if match else None
        return unquote(found).replace("\0", "\ufffd") if found else ""

    def _event_id(self, content: str) -> str:
        digest = hashlib.sha1(f"access_log\0{content}".encode(), usedforsecurity=False).digest()
        key = digest[:10]
        number = self._recent.get(key) or self._older.get(key, 0)
        if len(self._recent) >= REMEMBERED:
            self._recent, self._older = {}, self._recent
        self._recent[key] = number + 1
        if number:
            digest = hashlib.sha1(digest + b"%d" % number, usedforsecurity=False).digest()
        return uuid_from_digest(digest)
