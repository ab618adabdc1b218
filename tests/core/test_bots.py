"""What the list of bots recognises: every real example that it was begun from, and no browser."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventmill.core.enrichment import bots, user_agents
from eventmill.core.enrichment.user_agents import classify_user_agents
from eventmill.core.errors import ConfigurationError

# monperrus/crawler-user-agents, crawler-user-agents.json (MIT License, Copyright (c) 2017 Martin
# Monperrus; dbt_project/seeds/LICENSE-crawler-user-agents): pattern and real examples.
EXAMPLES = Path(__file__).with_name("data") / "crawler-user-agents.json"

# Not bots here. Servers report sales and licenses with HTTP client libraries, and what they report
# must count; so these names alone say nothing about who acts. Each with the number of examples.
HTTP_CLIENTS = {
    r"^python-requests/": 7,
    r"^Python/\S+ aiohttp/": 3,
    r"^python-httpx/": 2,
    r"^Go-http-client/": 2,
    r"^Pcore-HTTP/": 2,
    r"^okhttp/": 5,
    r"^AHC/": 1,
    r"^Apache-HttpClient/": 14,
    r"^Jetty/": 1,
    r"^axios/": 2,
    r"^Jersey/": 1,
    r"^curl\b": 8,
    r"^PHP-Curl-Class/": 7,
    r"^node-fetch/": 1,
    r"^got \(": 1,
    r"^CustomAsyncHttpClient$": 1,
    r"^HTTPie/": 1,
}
# A proxy that puts its name in place of the visitor's, and a shop's own server.
PASS_ON = {r"^Amazon CloudFront$": 1, r"^Salesforce\.com$": 1}
EXCEPTIONS = HTTP_CLIENTS | PASS_ON

HEADLESS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1"
    " Safari/538.1",
    "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/22.1.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0 SlimerJS/1.0.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0"
    " Safari/537.36 Cypress/13.0.0",
]
PEOPLE = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
    " Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
    " Electron/37.0.0 Safari/537.36",
    "",
]  # fmt: skip


def examples() -> list[str]:
    entries = json.loads(EXAMPLES.read_text())
    return [agent for entry in entries for agent in entry["instances"]]


def test_every_real_example_is_recognised_but_for_named_exceptions() -> None:
    agents = examples()
    assert len(agents) == len(set(agents)) == 2116
    missed = [a.user_agent for a in classify_user_agents(agents) if not a.is_bot]
    by_exception = {
        pattern: sum(1 for agent in missed if re.search(pattern, agent)) for pattern in EXCEPTIONS
    }
    unexplained = [a for a in missed if not any(re.search(p, a) for p in EXCEPTIONS)]
    assert unexplained == []
    assert by_exception == EXCEPTIONS


@pytest.mark.parametrize("agent", HEADLESS)
def test_headless_browsers_are_bots(agent: str) -> None:
    (found,) = classify_user_agents([agent])
    assert (found.is_bot, found.device_type) == (True, "bot")


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_not(agent: str) -> None:
    (found,) = classify_user_agents([agent])
    assert not found.is_bot


def test_the_seed_names_the_source_of_each_row() -> None:
    with bots.BOTS_FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    upstream = {entry["pattern"] for entry in json.loads(EXAMPLES.read_text())}
    for row in rows:
        assert (row["source"] == "crawler-user-agents") == (row["pattern"] in upstream), row
    licence = bots.BOTS_FILE.with_name("LICENSE-crawler-user-agents").read_text()
    assert "Martin Monperrus" in licence


@pytest.fixture
def seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    changed = tmp_path / "bots.csv"
    monkeypatch.setattr(bots, "BOTS_FILE", changed)
    bots._parser.cache_clear()
    bots.bots_hash.cache_clear()
    yield changed
    bots._parser.cache_clear()
    bots.bots_hash.cache_clear()


@pytest.mark.parametrize("pattern", ["ba(d", "look(?=ahead)", "[z-a]"])
def test_a_broken_pattern_is_named_with_its_line(seed: Path, pattern: str) -> None:
    seed.write_text(f"pattern,source,url\ngood,eventmill,\n{pattern},eventmill,\n")
    with pytest.raises(ConfigurationError, match=r"bots\.csv, line 3: ") as error:
        bots.is_listed("anything")
    assert repr(pattern) in str(error.value)


def test_the_version_of_the_rules_holds_the_list(seed: Path) -> None:
    seed.write_text("pattern,source,url\ngood,eventmill,\n")
    before = bots.bots_hash()
    seed.write_text("pattern,source,url\nbetter,eventmill,\n")
    bots.bots_hash.cache_clear()
    assert bots.bots_hash() != before
    assert re.fullmatch(r"\d+\+[0-9a-f]{10}\+uap.+", user_agents.PARSER_VERSION)
