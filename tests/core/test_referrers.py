"""What referring domains are taken for."""

import psycopg
import pytest

from eventmill.core.enrichment.referrers import (
    LIST_VERSION,
    Referrer,
    classify_referrers,
)
from tests.enrichment import store_referrers
from tests.support import rows

KNOWN = [
    # one engine, whatever its country
    ("google.com", "google", "search"),
    ("google.de", "google", "search"),
    ("google.co.uk", "google", "search"),
    ("google.com.br", "google", "search"),
    ("google.cat", "google", "search"),
    ("images.google.fr", "google images", "search"),
    ("de.search.yahoo.com", "yahoo", "search"),
    ("yahoo.de", "yahoo", "search"),
    ("cn.bing.com", "bing", "search"),
    ("r.duckduckgo.com", "duckduckgo", "search"),
    ("image.baidu.com", "baidu", "search"),
    # a network by any of its hosts
    ("t.co", "twitter", "social"),
    ("lm.facebook.com", "facebook", "social"),
    ("unix.stackexchange.com", "stackexchange", "social"),
    ("someone.blogspot.com", "blogspot", "social"),
    ("gist.github.com", "github", "social"),
    ("pinterest.pl", "pinterest", "social"),
    # GA4's category goes before Matomo's
    ("m.youtube.com", "youtube", "video"),
    ("amazon.co.jp", "amazon", "shopping"),
    # the longest host goes first
    ("gemini.google.com", "gemini", "ai"),
    ("chatgpt.com", "chatgpt", "ai"),
    ("copilot.microsoft.com", "copilot", "ai"),
]
UNKNOWN = [
    "example.com",
    # a portal's other services are no search
    "mail.google.com",
    "docs.google.com",
    "finance.yahoo.com",
    # neither a country nor below the site
    "google.dev",
    "notgoogle.com",
    "google.com.evil.com",
    "localhost",
    "127.0.0.1",
    "xn--90adhhccf5aeewt7j.xn--p1ai",
    "a..b",
    ".",
    "",
]


@pytest.mark.parametrize(("domain", "source", "category"), KNOWN)
def test_a_known_site_has_a_name_and_a_category(domain: str, source: str, category: str) -> None:
    assert classify_referrers([domain]) == [Referrer(domain, source, category)]


@pytest.mark.parametrize("domain", UNKNOWN)
def test_any_other_is_its_own_source(domain: str) -> None:
    assert classify_referrers([domain]) == [Referrer(domain, domain, None)]


def test_only_what_is_new_or_known_by_other_lists_is_written(
    connection: psycopg.Connection,
) -> None:
    assert store_referrers(connection, ["google.de", "example.com", "google.de"]) == 2
    assert store_referrers(connection, ["google.de", "example.com"]) == 0
    connection.execute("update enrichment.referrers set list_version = '0', source = 'old'")
    assert store_referrers(connection, ["google.de"]) == 1
    stored = rows(
        connection,
        "select referrer_domain, source, category, list_version"
        " from enrichment.referrers order by referrer_domain",
    )
    assert stored == [
        ("example.com", "old", None, "0"),
        ("google.de", "google", "search", LIST_VERSION),
    ]
