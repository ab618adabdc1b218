"""The Dagster UI as ops use it: which days are built, and a backfill launched by clicking."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import RunningDemo, built_days
from tests.orchestration.support import marts
from tests.support import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
]  # fmt: skip
DAYS = ["2015-05-17", "2015-05-18", "2015-05-19", "2015-05-20"]
BACKFILL_SECONDS = 400
SECONDS = 120

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NO BROWSER: install chromium, or the Dagster UI stays untested"
)


@pytest.fixture
def page(demo: RunningDemo) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(
            base_url=f"http://127.0.0.1:{demo.port('dagster')}",
            viewport={"width": 1500, "height": 950},
        )
        opened.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        yield opened
        browser.close()


def _ask(demo: RunningDemo, query: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{demo.port('dagster')}/graphql"
    answer = httpx.post(url, json={"query": query}, timeout=SECONDS).raise_for_status().json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def _runs(demo: RunningDemo) -> list[dict[str, Any]]:
    """All but those that export days by themselves once they are built."""
    query = "{runsOrError{... on Runs{results{runId status jobName tags{key value}}}}}"
    runs: list[dict[str, Any]] = _ask(demo, query)["runsOrError"]["results"]
    return [run for run in runs if run["jobName"] != "export_days"]


def _finished_backfill(demo: RunningDemo) -> dict[str, Any]:
    query = "{partitionBackfillsOrError{... on PartitionBackfills{results{id status}}}}"
    deadline = time.monotonic() + BACKFILL_SECONDS
    while time.monotonic() < deadline:
        backfills = _ask(demo, query)["partitionBackfillsOrError"]["results"]
        if backfills and backfills[0]["status"] not in {"REQUESTED", "COMPLETED"}:
            backfill: dict[str, Any] = backfills[0]
            return backfill
        time.sleep(1)
    raise AssertionError(f"no backfill finished within {BACKFILL_SECONDS} s")


def _assets_by_days(demo: RunningDemo) -> dict[str, bool]:
    """Of each partitioned asset, whether the four days are materialized."""
    query = """
    {assetNodes{assetKey{path} isPartitioned assetPartitionStatuses{
        ... on TimePartitionStatuses{ranges{status startKey endKey}}}}}
    """
    return {
        node["assetKey"]["path"][-1]: ("MATERIALIZED", DAYS[0], DAYS[-1])
        in [
            (r["status"], r["startKey"], r["endKey"])
            for r in node["assetPartitionStatuses"]["ranges"]
        ]
        for node in _ask(demo, query)["assetNodes"]
        if node["isPartitioned"]
    }


def test_the_four_days_are_built_for_every_asset(demo: RunningDemo) -> None:
    found = _assets_by_days(demo)
    built = {"raw_events", "user_agents", "referrers", "attribution", "daily_metrics"}
    assert {name for name in built if found[name]} == built
    # Days are exported by themselves soon after they are built.
    wait_until(lambda: all(_assets_by_days(demo).values()), BACKFILL_SECONDS)


def test_the_partitions_page_shows_them(demo: RunningDemo, page: Page) -> None:
    built = f"Materialized ({len(built_days(demo))})"
    for asset in ("daily_metrics", "raw_events"):
        page.goto(f"/assets/{asset}?view=partitions")
        expect(page.get_by_text(built)).to_be_visible()


def test_a_backfill_of_two_days_is_one_run_and_changes_no_number(
    demo: RunningDemo, page: Page
) -> None:
    with demo.connect() as connection:
        before = marts(connection)
    runs_before = {run["runId"] for run in _runs(demo)}

    page.goto("/asset-groups")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("Show all partitions").click()
    partitions = page.get_by_placeholder("ex: 2015-01-01", exact=False)
    partitions.fill("[2015-05-18...2015-05-19]")
    partitions.press("Enter")
    expect(page.get_by_text("2 partitions", exact=True)).to_be_visible()
    page.get_by_role("button", name="Launch backfill").click()

    assert _finished_backfill(demo)["status"] == "COMPLETED_SUCCESS"
    (run,) = [run for run in _runs(demo) if run["runId"] not in runs_before]
    assert run["status"] == "SUCCESS"
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == "2015-05-18"
    assert tags["dagster/asset_partition_range_end"] == "2015-05-19"
    with demo.connect() as connection:
        assert marts(connection) == before


def test_a_page_of_another_site_cannot_drive_the_running_dagster(demo: RunningDemo) -> None:
    url = f"http://127.0.0.1:{demo.port('dagster')}/graphql"
    mutation = {"query": "mutation{reloadWorkspace{__typename}}"}
    for status, answer in (
        (405, httpx.get(url, params=mutation)),
        (
            415,
            httpx.post(url, content=json.dumps(mutation), headers={"Content-Type": "text/plain"}),
        ),
        (403, httpx.post(url, json=mutation, headers={"Origin": "https://evil.example"})),
        (421, httpx.post(url, json=mutation, headers={"Host": "evil.example"})),
        (200, httpx.post(url, json={"query": "{version}"})),
    ):
        assert answer.status_code == status, answer.text
