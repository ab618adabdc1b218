"""What user agents are taken for: real headers of every kind."""

import psycopg
import pytest

from eventmill.core.enrichment.user_agents import (
    PARSER_VERSION,
    UserAgent,
    classify_user_agents,
)
from tests.enrichment import store_user_agents
from tests.support import rows

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
KINDS = {
    "desktop": [
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/17.4 Safari/605.1.15",
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0; Touch; Tablet PC 2.0)",
    ],
    "mobile": [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15"
        " (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) {CHROME} Mobile Safari/537.36",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
        " Gecko) Mobile/20A362 Instagram 255.0.0.11.107 (iPhone13,2; iOS 16_0; en_US; scale=3.00)",
    ],
    "tablet": [
        "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Mobile/15E148",
        f"Mozilla/5.0 (Linux; Android 12; SM-T870) {CHROME} Safari/537.36",
        "Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/114.0 Firefox/114.0",
        "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Silk/114.4.1 like Chrome/114.0.5735.248 Safari/537.36",
    ],
    "tv": [
        "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Version/5.0 TV Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7242) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Silk/80.5 like Chrome/80.0 Safari/537.36",
        "Mozilla/5.0 (PlayStation 5 3.11) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Roku/DVP-9.10 (519.10E04111A)",
    ],
    "bot": [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 8_3 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like"
        " Gecko) Version/8.0 Mobile/12F70 Safari/600.1.4 (compatible; Googlebot/2.1)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2;"
        " +https://openai.com/gptbot)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " HeadlessChrome/120.0.6099.28 Safari/537.36",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko)"
        " PhantomJS/1.9.2 Safari/534.34",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 3 subscribers)",
        "Wget/1.13.4 (linux-gnu)",
        "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
        "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)",
    ],
    # Programs that send for somebody, and what says nothing about itself.
    "other": [
        "curl/8.5.0",
        "python-requests/2.31.0",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "Java/17.0.9",
        "Apache-HttpClient/4.5.14 (Java/17.0.9)",
        "Go-http-client/2.0",
        "analytics-node/3.1.0",
        "Mozilla/5.0",
        "-",
        "",
    ],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in KINDS.items() for value in values]
)
def test_every_agent_is_of_its_kind(kind: str, value: str) -> None:
    (agent,) = classify_user_agents([value])
    assert agent.device_type == kind
    assert agent.is_bot == (kind == "bot")


def test_browser_and_system_are_named_with_their_versions() -> None:
    value = KINDS["mobile"][0]
    assert classify_user_agents([value]) == [
        UserAgent(value, "mobile", "Mobile Safari", "17.4", "iOS", "17.4", False)
    ]


def test_each_value_is_classified_once_and_in_order() -> None:
    agents = classify_user_agents(["b", "a", "b", "\ud7ff\U0001f600"])
    assert [agent.user_agent for agent in agents] == ["a", "b", "\ud7ff\U0001f600"]


def test_only_what_is_new_or_known_by_other_rules_is_written(
    connection: psycopg.Connection,
) -> None:
    values = [KINDS["bot"][0], KINDS["desktop"][0]]
    assert store_user_agents(connection, values) == 2
    assert store_user_agents(connection, values) == 0
    connection.execute("update enrichment.user_agents set parser_version = '0' where is_bot")
    assert store_user_agents(connection, [*values, "curl/8.5.0"]) == 2
    stored = rows(
        connection,
        "select user_agent, device_type, is_bot, parser_version from enrichment.user_agents"
        " order by 1",
    )
    assert stored == [
        (values[1], "desktop", False, PARSER_VERSION),
        (values[0], "bot", True, PARSER_VERSION),
        ("curl/8.5.0", "other", False, PARSER_VERSION),
    ]


def test_nothing_to_store_is_no_error(connection: psycopg.Connection) -> None:
    assert store_user_agents(connection, []) == 0
