"""A browser, a site with the tracker on it, and the real service behind a network that can fail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.chromium import CHROMIUM, MISSING
from tests.ingest_api.support import new_key, served
from tests.support import environment, rows, wait_until
from tests.tracker.faulty import Network, network_to

PAGE = """<!doctype html><html lang="en"><title>Gallery</title>
{script}
<h1>Gallery</h1>{body}"""
TAG = '<script defer data-key="{key}" data-endpoint="{url}" src="{url}/em.js" %s></script>'


@pytest.fixture(scope="package")  # not longer: as long as Playwright runs, asyncio.run() does not
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()


@dataclass
class Site:
    """The pages, their network, and what is stored."""

    folder: Path
    network: Network
    connection: psycopg.Connection
    key: str
    origin: str

    def write(self, name: str = "index.html", body: str = "", script: str | None = None) -> None:
        """A page. `script` replaces its tag; `{key}` and `{url}` in it are filled in."""
        tag = (TAG % "" if script is None else script).replace("{key}", self.key)
        tag = tag.replace("{url}", self.network.url)
        self.folder.joinpath(name).write_text(PAGE.replace("{script}", tag).replace("{body}", body))

    def stored(self, where: str = "true") -> list[tuple[str, str]]:
        """Type and id of each stored event, one entry for each row."""
        query = f"select event_type, event_id::text from raw.events where {where} order by 2"
        return rows(self.connection, query)

    def wait_for(self, count: int, where: str = "true", seconds: float = 90) -> None:
        """Until that many are stored."""
        wait_until(lambda: len(self.stored(where)) >= count, seconds)

    def require_once(self, ids: set[str], where: str = "true") -> None:
        """All of `ids` are stored once, and nothing else is."""
        found = [event_id.replace("-", "") for _, event_id in self.stored(where)]
        assert sorted(found) == sorted(ids)


@pytest.fixture
def site(database: str, connection: psycopg.Connection, tmp_path: Path) -> Iterator[Site]:
    """A site whose pages name the service by another host, so they are of another origin."""
    limits = {"EVENTMILL_EVENTS_PER_MINUTE": "100000"}
    with environment(**limits), served(None) as client:
        folder = tmp_path / "site"
        folder.mkdir()
        with network_to(str(client.base_url).rstrip("/"), folder) as network:
            origin = network.url.replace("127.0.0.1", "localhost")
            made = Site(folder, network, connection, new_key("publishable"), origin)
            made.write()
            yield made


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser's profile, empty."""
    made = chromium.new_context()
    yield made
    made.close()


@pytest.fixture
def open_page(context: BrowserContext, site: Site) -> Callable[..., Page]:
    def opened(path: str = "/") -> Page:
        page = context.new_page()
        page.goto(site.origin + path)
        page.wait_for_function("() => window.eventmill?.track")
        return page

    return opened


def waiting(page: Page) -> set[str]:
    """Ids of the events in the storage of the page's origin."""
    names = page.evaluate("Object.keys(localStorage).filter(n => n.startsWith('em.q.'))")
    return {name.rsplit(".", 1)[1] for name in names}
