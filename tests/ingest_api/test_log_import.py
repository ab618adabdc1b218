"""`eventmill import access-log` on the real sample and on what other servers write."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import psycopg
import pytest

from eventmill.core.settings import PROJECT_ROOT
from tests.support import rows, run_eventmill, scalar

SAMPLE = PROJECT_ROOT / "sample_data" / "apache_logs.log.gz"
PATTERN = r"^/(?:presentations|projects|blog)/(?P<ip_asset_id>[^/?]+)"
A_KEY = "emk_sec_" + "0" * 32
LINE = '203.0.113.{} - - [17/May/2015:10:05:{:02} +0000] "GET {} HTTP/1.1" 200 12 "-" "Agent/{}"\n'


def import_log(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    result = run_eventmill("import", "access-log", *arguments, "--json", stdin=stdin)
    assert result.returncode == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    assert summary["lines"] == sum(
        (
            summary["imported"],
            summary["duplicate"],
            summary["blank"],
            *summary["skipped"].values(),
            summary["unparsable"]["count"],
            summary["rejected"]["count"],
        )
    )
    return summary


def sample() -> list[list[str]]:
    """The sample's lines as [host, time, method, target, status, referrer, agent], read apart."""
    found = []
    for line in gzip.decompress(SAMPLE.read_bytes()).decode().splitlines():
        parts = line.split('"')
        if len(parts) == 7:
            host, time = parts[0].split(" ")[0], parts[0].split("[")[1].rstrip("] ")
            method, target = parts[1].split(" ")[:2]
            found.append([host, time, method, target, parts[2].split()[0], parts[3], parts[5]])
    return found


def test_the_sample_with_all_requests(database: str, connection: psycopg.Connection) -> None:
    summary = import_log(str(SAMPLE), "--all-requests", "--asset-pattern", PATTERN)
    assert (summary["lines"], summary["imported"], summary["skipped"]) == (10_000, 9_999, {})
    assert summary["unparsable"] == {
        "count": 1,
        "first": [{"line": 8899, "reason": "column 9 (user agent) has no closing quote"}],
    }
    lines = sample()
    assert len(lines) == 9_999
    per_hour = Counter((time[:14], status) for _, time, _, _, status, _, _ in lines)
    assert dict(per_hour) == {
        (hour, status): count
        for hour, status, count in rows(
            connection,
            """
            select to_char(occurred_at at time zone 'UTC', 'DD/Mon/YYYY:HH24'),
                props_json ->> 'status', count(*)
            from raw.events group by 1, 2
            """,
        )
    }
    assets = Counter(
        unquote(match[1])
        for line in lines
        if (match := re.match("/(?:presentations|projects|blog)/([^/?]+)", line[3]))
    )
    assert assets == dict(
        rows(
            connection,
            """
            select ip_asset_id, count(*) from raw.events
            where event_type = 'asset_viewed' group by 1
            """,
        )
    )
    # Visitors are addresses and user agents within a UTC day.
    assert scalar(connection, "select count(distinct visitor_id) from raw.events") == len(
        {(host, agent, time[:11]) for host, time, _, _, _, _, agent in lines}
    )
    # Spelled in two encodings in the log.
    assert dict(rows(connection, "select utm_campaign, count(*) from raw.events group by 1")) == {
        "Feed: semicomplete/main (semicomplete.com - Jordan Sissel)": 153,
        None: 9_846,
    }
    text = scalar(connection, "select string_agg(e::text, ' ') from raw.events as e")
    assert not {line[0] for line in lines} & set(re.findall(r"[\d.]{7,}", text))


def test_again_and_with_other_options_adds_nothing_that_was_there(
    database: str, connection: psycopg.Connection
) -> None:
    first = import_log(str(SAMPLE))
    again = import_log("-", stdin=gzip.decompress(SAMPLE.read_bytes()))
    assert (again["imported"], again["duplicate"]) == (0, first["imported"])
    everything = import_log("-", "--all-requests", "--asset-pattern", PATTERN,
                            stdin=SAMPLE.read_bytes())  # fmt: skip
    assert everything["duplicate"] == first["imported"]
    assert everything["imported"] == 9_999 - first["imported"]
    assert scalar(connection, "select count(*) from raw.events") == 9_999


def test_by_default_pages_that_were_delivered(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    kept = ["/", "/index.html", "/blog", "/a.b/c", "/x.php?f=style.css", "/page.xhtml", "/p/1.5"]
    left_out = [
        "/a.css",
        "/a.PNG?v=1",
        "/robots.txt",
        "/favicon.ico",
        "/feed/",
        "/a.tar.gz",
        "/x.xml",
    ]
    requests = [f'GET {path} HTTP/1.1" 200' for path in kept + left_out]
    requests += ['GET /not-modified HTTP/1.1" 304', 'GET /part HTTP/1.1" 206']
    requests += ['GET /gone HTTP/1.1" 404', 'GET /moved HTTP/1.1" 301', 'HEAD / HTTP/1.1" 200',
                 'POST /form HTTP/1.1" 200', 'GET /error HTTP/1.1" 500']  # fmt: skip
    log.write_text(
        "".join(
            f'203.0.113.1 - - [17/May/2015:10:05:03 +0000] "{request} 1 "-" "A"\n'
            for request in requests
        )
    )
    summary = import_log(str(log))
    pages = rows(connection, "select page_url from raw.events order by 1")
    assert {url for (url,) in pages} == {*kept, "/not-modified", "/part"}
    assert summary["skipped"] == {
        "static file": 6, "feed": 1, "status is not 2xx or 304": 3, "method is not GET": 2,
    }  # fmt: skip
    assert import_log(str(log), "--all-requests")["imported"] == len(requests) - len(pages)


def test_equal_lines_are_distinct_requests(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    log.write_text(LINE.format(1, 3, "/a", 1) * 3 + LINE.format(2, 3, "/a", 1))
    assert import_log(str(log))["imported"] == 4
    assert import_log(str(log))["duplicate"] == 4
    visitors = rows(connection, "select count(*) from raw.events group by visitor_id order by 1")
    assert visitors == [(1,), (3,)]


def test_what_is_in_an_event(database: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(
        b"203.0.113.1 - - [17/May/2015:23:05:03 -0230]"
        b' "GET /assets/caf%C3%A9%2F1/?utm_source=n HTTP/1.1"'
        b' 200 1 "http://r.example/" "Agent \xe9"\n'
    )
    pattern = "^/assets/(?P<ip_asset_id>[^/]+)"
    import_log(str(log), "--asset-pattern", pattern, "--site", "https://shop.example/")
    assert rows(
        connection,
        """
        select event_type, ip_asset_id, occurred_at::text, source, page_url, referrer, user_agent,
            utm_source, props_json, anonymous_id
        from raw.events
        """,
    ) == [
        (
            "asset_viewed", "café/1", "2015-05-18 01:35:03+00", "access_log",
            "https://shop.example/assets/caf%C3%A9%2F1/?utm_source=n", "http://r.example/",
            "Agent \ufffd", "n",
            {"path": "/assets/caf%C3%A9%2F1/", "method": "GET", "status": 200}, None,
        )
    ]  # fmt: skip


def test_bad_lines_are_reported_and_the_rest_is_kept(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    good = LINE.format(1, 3, "/a", 1)
    long_id = LINE.format(1, 4, "/assets/" + "x" * 300, 1)
    extra = LINE.format(1, 5, "/b", 1).replace("\n", ' "198.51.100.9" 0.002\n')
    log.write_text(
        good
        + "garbage\n\n"
        + extra * 2
        + "y" * 300_000
        + "\n"
        + long_id
        + LINE.format(1, 6, "/c", 1)
    )
    summary = import_log(str(log), "--asset-pattern", "^/assets/(?P<ip_asset_id>.+)")
    assert (summary["imported"], summary["blank"]) == (4, 1)
    assert [problem["line"] for problem in summary["unparsable"]["first"]] == [2, 6]
    (rejected,) = summary["rejected"]["first"]
    assert rejected == {"line": 7, "reason": "ip_asset_id: must have at most 200 characters"}
    assert summary["unknown_columns"] == [
        {"column": 10, "first_line": 4, "lines": 2},
        {"column": 11, "first_line": 4, "lines": 2},
    ]
    result = run_eventmill("import", "access-log", str(log))
    assert "line 2: column 4 (time) is missing or wrong" in result.stdout
    assert "column 10 is not part of the format and was ignored on 2 lines" in result.stdout
    assert "198.51.100.9" not in result.stdout


def test_over_http(shared_api: httpx.Client, shared_connection: psycopg.Connection) -> None:
    address = str(shared_api.base_url).rstrip("/")
    key = ("--write-key", shared_api.headers["X-Write-Key"])
    first = import_log(str(SAMPLE), "--url", address, *key)
    again = import_log(str(SAMPLE), "--url", f"{address}/v1/events", *key)
    assert again["duplicate"] == first["imported"]
    assert scalar(shared_connection, "select count(distinct visitor_id) from raw.events") > 1_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_file"], "cannot read no_such_file: No such file"),
        (["."], "cannot read .: Is a directory"),
        ([str(SAMPLE), "--asset-pattern", "^/blog/"], "has no group named ip_asset_id"),
        ([str(SAMPLE), "--asset-pattern", "("], "is no regular expression"),
        ([str(SAMPLE), "--asset-pattern", "^(?=/a)(?P<ip_asset_id>.+)"], "of RE2"),
        ([str(SAMPLE), "--site", "shop.example"], "--site 'shop.example' must begin with http"),
        ([str(SAMPLE), "--url", "shop.example"], "is no http or https URL"),
        ([str(SAMPLE), "--url", "http://127.0.0.1:1"], "--url needs --write-key"),
        ([str(SAMPLE), "--write-key", A_KEY], "--write-key is for --url"),
        (
            [str(SAMPLE), "--url", "http://127.0.0.1:1", "--write-key", A_KEY],
            "no service answers at http://127.0.0.1:1",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(database: str, arguments: list[str], said: str) -> None:
    result = run_eventmill("import", "access-log", *arguments)
    assert result.returncode == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("processes")
def test_without_a_database() -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    result = run_eventmill("import", "access-log", str(SAMPLE), EVENTMILL_DATABASE_URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("eventmill: no PostgreSQL at 127.0.0.1:1/none")
    assert len(result.stderr.splitlines()) == 1


def test_a_damaged_file_is_imported_up_to_the_damage(
    database: str, connection: psycopg.Connection, tmp_path: Path
) -> None:
    log = tmp_path / "access.log.gz"
    log.write_bytes(SAMPLE.read_bytes()[:50_000])
    result = run_eventmill("import", "access-log", str(log))
    assert result.returncode == 1
    assert "the gzip data is damaged" in result.stderr
    assert "imported" in result.stdout
    assert scalar(connection, "select count(*) from raw.events") > 500
