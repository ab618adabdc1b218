"""`python tools/ops_pictures.py`: takes the pictures of Dagster's UI in docs/how-to/ops.md anew.

Needs a running system with built days (`eventmill demo`) and Debian's chromium.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from eventmill.core.settings import PROJECT_ROOT, get_settings

IMAGES = PROJECT_ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def main() -> None:
    """Write docs/images/*.png."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(
            base_url=f"http://127.0.0.1:{get_settings().dagster_port}",
            viewport={"width": 1280, "height": 760},
        )
        page.set_default_timeout(60_000)
        partitions(page)
        backfill(page)
        finished(page)
        browser.close()


def partitions(page: Page) -> None:
    page.goto("/assets/daily_metrics?view=partitions")
    expect(page.get_by_text("Materialized (", exact=False).first).to_be_visible()
    save(page, "partitions")


def backfill(page: Page) -> None:
    page.goto("/asset-groups")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("Show all partitions").click()
    chosen = page.get_by_placeholder("ex: 2015-01-01", exact=False)
    chosen.fill("[2015-05-18...2015-05-19]")
    chosen.press("Enter")
    expect(page.get_by_text("2 partitions", exact=True)).to_be_visible()
    save(page, "backfill")
    page.get_by_role("button", name="Launch backfill").click()


def finished(page: Page) -> None:
    """The page of the first backfill in the list, as far as it is."""
    page.goto("/runs")
    page.locator("a[href^='/runs/b/']").first.click()
    expect(page.get_by_text("attribution").first).to_be_visible(timeout=30_000)
    save(page, "finished")


def save(page: Page, name: str) -> None:
    page.screenshot(path=Path(IMAGES / f"{name}.png"))


if __name__ == "__main__":
    main()
