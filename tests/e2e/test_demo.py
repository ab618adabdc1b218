"""What `make demo` leaves: right numbers, lines that work as printed, and no address anywhere."""

import gzip
import json
import re

import httpx
import pytest

from eventmill.core.settings import PROJECT_ROOT
from eventmill.runner.embedded import BIN
from tests.e2e.conftest import RunningDemo, built_days
from tests.support import rows, scalar

SAMPLE = PROJECT_ROOT / "sample_data" / "apache_logs.log.gz"
METRICS = ("views", "clicks", "conversions", "revenue_cents", "unique_visitors", "engagement_time")
GRAINS = {
    "platform": (),
    "project": ("project_id",),
    "asset": ("ip_asset_id",),
    "license": ("license_id",),
    "project and asset": ("project_id", "ip_asset_id"),
}


def test_the_printed_curl_lines_work_as_printed(demo: RunningDemo) -> None:
    lines = [line for line in demo.printed if line.startswith("curl ")]
    assert len(lines) == 3
    answers = []
    for line in lines:
        result = demo.shell(line)
        assert result.returncode == 0, result.stderr
        answers.append(json.loads(result.stdout))
    sent, asset, platform = answers
    assert sent["accepted"] == 1
    assert asset["totals"]["views"] > 0
    assert len(platform["series"]) == 4
    assert sum(day["views"] for day in platform["series"]) == platform["totals"]["views"]


def test_the_example_page_has_the_tracker_and_the_demo_s_key(demo: RunningDemo) -> None:
    (url,) = [line.split()[-1] for line in demo.printed if line.startswith("Example page")]
    page = httpx.get(url).text
    (key,) = re.findall(r'data-key="(emk_pub_[^"]+)"', page)
    assert f"{key}\n" in demo.printed
    assert httpx.get(url.replace("/example", "/em.js")).status_code == 200


@pytest.mark.parametrize("grain", GRAINS)
def test_daily_metrics_equal_a_plain_count_over_raw(demo: RunningDemo, grain: str) -> None:
    """The count below shares nothing with the models but the meaning of the event types."""
    ids = GRAINS[grain]
    others = [c for c in ("project_id", "ip_asset_id", "license_id") if c not in ids]
    keys = ", ".join(["(occurred_at at time zone 'UTC')::date", *ids])
    given = " and ".join(["true", *(f"{c} is not null" for c in ids)])
    exactly = " and ".join([given, *(f"{c} is null" for c in others)])
    counted = f"""
        select {keys},
            count(*) filter (where event_type = 'asset_viewed' and not is_bot),
            count(*) filter (
                where event_type in ('asset_downloaded', 'license_clicked') and not is_bot),
            count(*) filter (where event_type = 'license_created' and not is_bot),
            coalesce(sum((props_json ->> 'revenue_cents')::bigint) filter (
                where event_type in ('license_created', 'license_renewed') and not is_bot
            ), 0)::bigint,
            count(distinct visitor_id) filter (where not is_bot),
            coalesce(sum((props_json ->> 'engagement_ms')::bigint)
                filter (where not is_bot), 0)::bigint
        from (
            select e.*, coalesce(u.is_bot, false) as is_bot
            from raw.events as e left join enrichment.user_agents as u using (user_agent)
            where e.occurred_at >= '2015-05-17 00:00+00' and e.occurred_at < '2015-05-21 00:00+00'
        ) as events
        where {given}
        group by {keys}
    """
    built = f"""
        select {", ".join(["date", *ids, *METRICS])} from marts.daily_metrics
        where date between '2015-05-17' and '2015-05-20' and {exactly}
    """
    with demo.connect() as connection:
        expected, found = rows(connection, counted), rows(connection, built)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    if grain in ("platform", "asset"):
        assert len(found) >= 4


def test_every_parsed_page_request_was_kept(demo: RunningDemo) -> None:
    """Reads the log by itself, with another expression than the importer's."""
    pages = 0
    static = re.compile(r"\.(?:css|js|png|jpe?g|gif|ico|svg|woff2?|ttf)$", re.IGNORECASE)
    for line in gzip.decompress(SAMPLE.read_bytes()).decode().splitlines():
        found = re.search(r'\] "GET (\S+) HTTP/1\.\d" (\d{3}) ', line)
        if line.endswith('"') and found and not static.search(found[1].split("?")[0]):
            pages += found[2] in ("200", "206", "304")
    with demo.connect() as connection:
        kept = scalar(connection, "select count(*) from raw.events where source = 'access_log'")
    # The importer leaves out a few more (feeds, robots.txt), never a page.
    assert 0.5 * pages < kept <= pages


def test_importing_the_sample_again_adds_nothing(demo: RunningDemo) -> None:
    with demo.connect() as connection:
        before = scalar(connection, "select count(*) from raw.events")
        result = demo.shell(f"eventmill import access-log {SAMPLE} --json")
        assert result.returncode == 0, result.stderr
        assert scalar(connection, "select count(*) from raw.events") == before


def test_no_address_of_the_log_is_in_the_database(demo: RunningDemo) -> None:
    addresses = {
        line.split(" ", 1)[0]
        for line in gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()
        if re.match(r"\d+\.\d+\.\d+\.\d+ ", line)
    }
    assert len(addresses) > 1000
    for database in ("eventmill", "eventmill_dagster"):
        url = f"postgresql://eventmill@/{database}?host={demo.home}/postgres/socket"
        with demo.connect() as connection:
            host = scalar(connection, "show unix_socket_directories")
        url = f"postgresql://eventmill@/{database}?host={host}"
        dump = demo.shell(f"{BIN}/pg_dump --data-only '{url}'")
        assert dump.returncode == 0, dump.stderr
        assert not addresses & set(re.findall(r"\d+\.\d+\.\d+\.\d+", dump.stdout))


def test_status_says_what_runs_and_what_is_built(demo: RunningDemo) -> None:
    status = json.loads(demo.shell("eventmill status --json").stdout)
    assert all(service["ready"] for service in status["services"])
    built = status["database"]["built"]
    days = built_days(demo)
    assert {"2015-05-17", "2015-05-20"} <= set(days)
    assert (built["days"], built["first_day"], built["last_day"]) == (len(days), days[0], days[-1])


def test_a_second_start_for_the_same_home_is_refused(demo: RunningDemo) -> None:
    result = demo.shell("eventmill up")
    assert result.returncode == 1
    assert "already runs for this home" in result.stderr
    assert result.stderr.strip().count("\n") == 0
