"""Segment's and RudderStack's browser libraries in Chromium, on a page of another origin."""

import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, sync_playwright

from tests.clients.conftest import HERE, Service
from tests.support import scalar, wait_until

QUERY = "utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=GCL1"
COLUMNS = (
    "event_type, anonymous_id, visitor_id, actor_id, ip_asset_id, props_json, utm_source,"
    " utm_campaign, click_id"
)
# What the page does with each library, in the words of its documentation.
SEGMENT = """
async ({ url, key }) => {
  const analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: url })
  await analytics.page()
  await analytics.track('Asset Viewed', { assetId: 'a-1', engagementMs: 0 })
  await analytics.identify('creator-1', { plan: 'pro' })
  await analytics.track('CTA Clicked', { label: 'License' })
  return (await analytics.user()).anonymousId()
}
"""
RUDDER = """
async ({ url, key }) => {
  const analytics = new rudderanalytics.RudderAnalytics()
  analytics.load(key, url, { configUrl: url })
  await new Promise((resolve) => analytics.ready(resolve))
  analytics.page()
  analytics.track('Asset Viewed', { assetId: 'a-1', engagementMs: 0 })
  analytics.identify('creator-1', { plan: 'pro' })
  analytics.track('CTA Clicked', { label: 'License' })
  return analytics.getAnonymousId()
}
"""


@pytest.fixture(scope="session")
def site(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web site with a page that brings the libraries. Its origin is not the service's."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(HERE / "page.html", folder)
    modules = libraries / "node_modules"
    (folder / "analytics-next").symlink_to(modules / "@segment/analytics-next/dist")
    (folder / "analytics-js").symlink_to(modules / "@rudderstack/analytics-js/dist")
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without one, Playwright's, installed once for this user."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


def _answers_to_posts(page: Page) -> list[int]:
    """Grows by the status of each answer to a POST, while the page is asked anything."""
    found: list[int] = []

    def note(response: Response) -> None:
        if response.request.method == "POST":
            found.append(response.status)

    page.on("response", note)
    return found


@pytest.mark.parametrize("script", [SEGMENT, RUDDER], ids=["segment", "rudder"])
def test_a_page(service: Service, site: str, chromium: Browser, script: str) -> None:
    page = chromium.new_page()
    posts = _answers_to_posts(page)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"{site}/page.html?{QUERY}")
    anonymous_id = page.evaluate(script, {"url": service.url, "key": service.publishable_key})
    wait_until(lambda: page.evaluate("true") and len(posts) == 4)
    assert posts == [200] * 4, messages

    campaign = ("google", "spring", "GCL1")
    who = (anonymous_id, f"anon:{anonymous_id}", None)
    assert service.events(3, COLUMNS) == [
        ("asset_viewed", *who, "a-1", {"engagement_ms": 0}, *campaign),
        ("cta_clicked", *who, None, {"label": "License"}, *campaign),
        ("page_viewed", *who, None, {"path": "/page.html", "title": "Gallery"}, *campaign),
    ]
    seen = service.events(3, "user_agent, page_url")
    assert {agent.split("/")[0] for agent, _ in seen} == {"Mozilla"}
    assert {url for _, url in seen} == {f"{site}/page.html?{QUERY}"}
    assert service.identities() == [(anonymous_id, "creator-1", False)]
    assert scalar(service.connection, "select count(*) from raw.rejected_events") == 0
    assert asked == {urlsplit(site).netloc, urlsplit(service.url).netloc}
    page.close()


@pytest.mark.parametrize("script", [SEGMENT, RUDDER], ids=["segment", "rudder"])
def test_an_opted_out_visitor(service: Service, site: str, chromium: Browser, script: str) -> None:
    """A browser with Global Privacy Control: all is answered, and nothing of its visitor stored."""
    page = chromium.new_page(extra_http_headers={"Sec-GPC": "1"})
    posts = _answers_to_posts(page)
    page.goto(f"{site}/page.html?{QUERY}")
    page.evaluate(script, {"url": service.url, "key": service.publishable_key})
    wait_until(lambda: page.evaluate("true") and len(posts) == 4)
    assert posts == [200] * 4
    assert service.events(0, COLUMNS) == []
    assert service.identities() == []
    page.close()
