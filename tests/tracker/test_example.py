"""The demo's example page: clicks are seen arriving."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.ingest_api.support import served
from tests.support import environment


@pytest.fixture
def url(database: str) -> Iterator[str]:
    with environment(EVENTMILL_EXAMPLE_PAGE="true"), served(None) as client:
        yield str(client.base_url).rstrip("/")


def test_clicks_are_seen_arriving(url: str, context: BrowserContext) -> None:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{url}/example?utm_source=news")
    for name in ("License it", "Look at an asset", "Ten at once", "Go to another page"):
        page.get_by_role("button", name=name).click()
    # A slow machine is engaged with a page for a second, and says so.
    page.wait_for_function(
        "() => [...document.querySelectorAll('#stored tr td:first-child')]"
        ".filter(cell => cell.innerText !== 'page_engaged').length === 14"
    )
    page.wait_for_function("() => document.getElementById('waiting').textContent === '0'")
    shown = page.locator("#stored tr td:first-child").all_inner_texts()
    assert sorted({*shown} - {"page_engaged"}) == ["asset_viewed", "cta_clicked", "page_viewed"]
    assert shown.count("asset_viewed") == 11
    assert errors == []
