"""What a referring domain is: a search engine, a social network, a video site, a shop, an AI.

Three public lists are merged. GA4's source categories decide where they name a domain, because
channels follow GA4; Matomo's lists add AI assistants, smaller engines and networks, and endings by
country. GA4's list is the dbt seed that also groups `utm_source`, read from there.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import LiteralString

from eventmill.core.patterns import Pattern
from eventmill.core.settings import PROJECT_ROOT

SITES_FILE = Path(__file__).with_name("data") / "sites.csv"
GA4_FILE = PROJECT_ROOT / "dbt_project" / "seeds" / "ga4_source_categories.csv"

# Raise it when a rule in this file changes; a change of a list changes the hash.
_RULES = 1
# No host has more (RFC 1035, 2.3.4); of a longer text every end would be looked up.
MAX_HOST_CHARACTERS = 253
_LISTS = hashlib.sha256(SITES_FILE.read_bytes() + GA4_FILE.read_bytes()).hexdigest()
LIST_VERSION = f"{_RULES}+{_LISTS[:10]}"

_COUNTRY = r"(?:(?:co|com|ne|net|or|org)\.)?[a-z]{2}|cat"
_COUNTRY_ENDING = Pattern(rf"(?P<name>[a-z0-9.-]+?)\.(?:{_COUNTRY}|com|net|org|info)")
_COUNTRY_SITE = Pattern(rf"[a-z0-9-]+\.(?:{_COUNTRY})")
# Engines are portals too: mail.yahoo.com is no search. Below an engine's host only these count.
_SEARCH_LABEL = re.compile(
    r"www\d*+|m|mobile|wap|search|images?|video|news|global|[a-z]{2}(-[a-z]{2})?"
)


@dataclass(frozen=True, slots=True)
class Referrer:
    """One classified domain; a row of `enrichment.referrers`.

    `source` is the site's short name (`google` for all of its endings), or the domain of a site
    that no list knows; `category` is one of search, social, video, shopping, ai, or None.
    """

    referrer_domain: str
    source: str
    category: str | None


@dataclass(frozen=True, slots=True)
class _Site:
    name: str
    category: str


def classify_referrers(domains: Iterable[str]) -> list[Referrer]:
    """One Referrer for each distinct domain, sorted by domain.

    A domain is a host in lower case without a port and without a leading `www.`.
    """
    return [_classify(domain) for domain in sorted(set(domains))]


def _classify(domain: str) -> Referrer:
    if len(domain) > MAX_HOST_CHARACTERS:
        return Referrer(domain, domain, None)
    for below, host in _parents(domain):
        site = _sites().get(host)
        if site is None and (ending := _COUNTRY_ENDING.fullmatch(host)):
            site = _sites().get(ending["name"] + ".{}")
        if site is None:
            continue
        if site.category != "search" or all(_SEARCH_LABEL.fullmatch(label) for label in below):
            return Referrer(domain, site.name, site.category)
        break  # a portal's other service; the hosts above it would only be less exact
    return Referrer(domain, domain, None)


def _parents(domain: str) -> Iterator[tuple[list[str], str]]:
    """`a.b.de` → ([], 'a.b.de'), (['a'], 'b.de'): the labels below a host, and the host."""
    labels = domain.split(".")
    for cut in range(max(len(labels) - 1, 1)):
        yield labels[:cut], ".".join(labels[cut:])


@cache
def _sites() -> dict[str, _Site]:
    """Host, or host with a last label `{}`, → site."""
    ga4 = {row["source"]: row["category"] for row in _rows(GA4_FILE)}
    sites = {row["host"]: _Site(row["name"], row["category"]) for row in _rows(SITES_FILE)}
    for host, category in ga4.items():
        if "." not in host:
            continue  # a value of utm_source
        known = sites.get(host)
        names = (label for label in host.split(".")[::-1] if ga4.get(label) == category)
        sites[host] = _Site(next(names, known.name if known else host), category)
    # A site listed as .com and under a country's ending has other countries' endings too.
    for host in [h for h in ga4 if _COUNTRY_SITE.fullmatch(h)]:
        short = host.split(".")[0]
        if ga4.get(f"{short}.com") == ga4[host]:
            sites.setdefault(f"{short}.{{}}", sites[f"{short}.com"])
    return sites


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))


COLUMNS = tuple(field.name for field in fields(Referrer))

# One array a column. Rows sorted by key keep two writers at once from a deadlock.
UPSERT: LiteralString = """
insert into enrichment.referrers as stored (referrer_domain, source, category, list_version)
select seen.*, %(list_version)s
from unnest(%(referrer_domain)s::text [], %(source)s::text [], %(category)s::text []) as seen
on conflict (referrer_domain) do update set
    source = excluded.source,
    category = excluded.category,
    list_version = excluded.list_version
where stored.list_version <> excluded.list_version
"""
