"""What a user agent is: a kind of device, a browser, an operating system, a bot or not.

Browsers, systems and most crawlers are known by uap-core's rules (package ua-parser, its Rust
backend). The list of bots (`bots.py`) adds the monitors, link previews, feed fetchers and
headless browsers that those rules take for a plain browser or do not know at all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from typing import Literal, LiteralString

from ua_parser import Parser, load_lazy_builtins
from ua_parser.core import OS, Result
from ua_parser.core import UserAgent as Browser

from eventmill.core.enrichment.bots import bots_hash, is_listed
from eventmill.core.patterns import WORD, Pattern

# Raise it when a rule in this file changes; the list and uap-core's rules speak for themselves.
_RULES = 1
PARSER_VERSION = f"{_RULES}+{bots_hash()}+uap{version('ua-parser-builtins')}"

DeviceType = Literal["desktop", "mobile", "tablet", "tv", "bot", "other"]

# A television, a box or a console at one.
_TV = Pattern(
    r"smart-?tv|google ?tv|apple ?tv|android ?tv|hbbtv|netcast|web0s|webos\.tv|tizen.*\btv\b"
    r"|\bbravia\b|\bviera\b|\broku\b|\bcrkey\b|\b(?-i:AFT[A-Z0-9]{1,5})\b|opera tv|dlnadoc"
    r"|playstation [345]|\bxbox\b|nintendo (?:wii|switch)",
    ignore_case=True,
)
_TV_SYSTEMS = {"tvOS", "ATV OS X", "webOS", "GoogleTV", "FireHbbTV", "Chromecast Android"}
# "Tablet PC 2.0" is a component that Internet Explorer lists on desktops too.
_TABLET = re.compile(
    r"\bipad\b|\btablet\b(?! pc)|\bkindle\b|\bsilk/|playbook|\btouchpad\b|\bnexus (?:7|9|10)\b"
    r"|\bsm-t\d|\bgt-p\d|\bxoom\b",
    re.IGNORECASE,
)
_TABLET_SYSTEMS = {"BlackBerry Tablet OS"}
_MOBILE = re.compile(r"\bmobi|phone|\bipod\b|opera mini|midp|symbian|blackberry", re.IGNORECASE)
_MOBILE_SYSTEMS = {
    "iOS", "Windows Phone", "Windows Mobile", "BlackBerry OS", "Symbian OS", "KaiOS", "Firefox OS",
    "Brew MP", "Nokia Series 40", "Bada", "WatchOS",
}  # fmt: skip
_MOBILE_DEVICES = {"Generic Smartphone", "Generic Feature Phone"}
_DESKTOP_SYSTEMS = {
    "Windows", "Mac OS X", "Mac OS", "Linux", "Chrome OS", "Ubuntu", "Kubuntu", "Debian", "Fedora",
    "Red Hat", "CentOS", "SUSE", "Gentoo", "Arch Linux", "Mageia", "Mandriva", "Slackware", "Puppy",
    "Linux Mint", "PCLinuxOS", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "Solaris", "BeOS",
}  # fmt: skip

# An HTTP client sends for somebody: the marketplace's servers report licences and payments this
# way, and those must count. uap-core calls Java's own client a spider.
_HTTP_CLIENT = "Java/"
# A crawler that no list knows still says whom to ask. Browsers of people name a system instead, and
# HTTP clients their project's page.
_CONTACT = Pattern(
    rf"https?://(?P<client>github\.com/)?|[{WORD}]@[{WORD}]+(?:\.[{WORD}]+)*\.[a-z]{{2,}}",
    ignore_case=True,
)


@dataclass(frozen=True, slots=True)
class UserAgent:
    """One classified agent; a row of `enrichment.user_agents`. Versions are dotted (17.4)."""

    user_agent: str
    device_type: DeviceType
    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    is_bot: bool


def classify_user_agents(values: Iterable[str]) -> list[UserAgent]:
    """One UserAgent for each distinct value, sorted by value. An empty value is no bot."""
    return [_classify(value) for value in sorted(set(values))]


def _classify(value: str) -> UserAgent:
    result = _browsers().parse(value)
    is_bot = _is_bot(value, result)
    return UserAgent(
        user_agent=value,
        device_type="bot" if is_bot else _device_type(value, result),
        browser=result.user_agent.family if result.user_agent else None,
        browser_version=_dotted(result.user_agent),
        os=result.os.family if result.os else None,
        os_version=_dotted(result.os),
        is_bot=is_bot,
    )


def _is_bot(value: str, result: Result) -> bool:
    if is_listed(value):
        return True
    if result.device is not None and result.device.family == "Spider":
        return not value.startswith(_HTTP_CLIENT)
    return result.os is None and any(found["client"] is None for found in _CONTACT.finditer(value))


def _device_type(value: str, result: Result) -> DeviceType:
    system = result.os.family if result.os else None
    device = result.device.family if result.device else None
    if system in _TV_SYSTEMS or _TV.search(value):
        return "tv"
    if system in _TABLET_SYSTEMS or device == "Generic Tablet" or _TABLET.search(value):
        return "tablet"
    if system == "Android":  # Google asks makers of phones, and only them, to put Mobile in
        return "mobile" if _MOBILE.search(value) else "tablet"
    if system in _MOBILE_SYSTEMS or device in _MOBILE_DEVICES or _MOBILE.search(value):
        return "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else "other"


def _dotted(product: Browser | OS | None) -> str | None:
    if product is None:
        return None
    parts = (product.major, product.minor, product.patch)
    return ".".join(part for part in parts if part) or None


@cache
def _browsers() -> Parser:
    return Parser.from_matchers(load_lazy_builtins())


COLUMNS = tuple(field.name for field in fields(UserAgent))

# One array a column. Rows sorted by key keep two writers at once from a deadlock.
UPSERT: LiteralString = """
insert into enrichment.user_agents as stored (
    user_agent, device_type, browser, browser_version, os, os_version, is_bot, parser_version
)
select seen.*, %(parser_version)s
from unnest(
    %(user_agent)s::text [], %(device_type)s::text [], %(browser)s::text [],
    %(browser_version)s::text [], %(os)s::text [], %(os_version)s::text [], %(is_bot)s::boolean []
) as seen
on conflict (user_agent) do update set
    device_type = excluded.device_type,
    browser = excluded.browser,
    browser_version = excluded.browser_version,
    os = excluded.os,
    os_version = excluded.os_version,
    is_bot = excluded.is_bot,
    parser_version = excluded.parser_version
where stored.parser_version <> excluded.parser_version
"""
