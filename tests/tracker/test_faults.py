"""Every event is stored exactly once, whatever happens between the page and the service."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support import wait_until
from tests.tracker.conftest import Site, waiting

Open = Callable[..., Page]

CLICKS = "event_type = 'cta_clicked'"


def track(page: Page, count: int = 1) -> None:
    page.evaluate(
        "n => { for (let i = 0; i < n; i++) eventmill.track('cta_clicked', { label: `${i}` }) }",
        count,
    )


def settled(page: Page) -> None:
    """Until nothing waits in the page's storage."""
    wait_until(lambda: not waiting(page))


def require_labels(site: Site, count: int) -> None:
    """Each of `count` clicks is stored once, told apart by label."""
    labels = [
        int(label)
        for (label,) in site.connection.execute(
            "select props_json ->> 'label' from raw.events where event_type = 'cta_clicked'"
        )
    ]
    assert sorted(labels) == list(range(count))


def test_an_ordinary_visit(site: Site, open_page: Open) -> None:
    page = open_page("/?utm_source=news&gclid=G1")
    track(page)
    site.wait_for(2)
    settled(page)
    assert [kind for kind, _ in sorted(site.stored())] == ["cta_clicked", "page_viewed"]
    assert set(site.network.times_sent().values()) == {1}
    # No preflight, and both events in one request.
    assert site.network.methods == ["POST"]


def test_ten_at_once_are_one_request(site: Site, open_page: Open) -> None:
    page = open_page()
    track(page, 9)  # with the page view ten
    site.wait_for(10, seconds=4)  # not after the interval of five seconds
    require_labels(site, 9)
    assert [len(batch) for batch in site.network.batches] == [10]


def test_a_burst_of_many(site: Site, open_page: Open) -> None:
    page = open_page()
    track(page, 137)
    site.wait_for(138)
    require_labels(site, 137)
    assert max(len(batch) for batch in site.network.batches) == 10
    assert set(site.network.times_sent().values()) == {1}


def test_offline_then_online(site: Site, open_page: Open, context: BrowserContext) -> None:
    page = open_page()
    site.wait_for(1)
    context.set_offline(True)
    track(page, 25)
    assert len(waiting(page)) == 25
    context.set_offline(False)
    site.wait_for(26)
    require_labels(site, 25)


def test_closed_while_offline(site: Site, open_page: Open, context: BrowserContext) -> None:
    page = open_page()
    site.wait_for(1)
    context.set_offline(True)
    track(page, 25)
    page.close()
    context.set_offline(False)
    page = open_page()
    site.wait_for(27)
    settled(page)
    require_labels(site, 25)
    assert len(site.stored("event_type = 'page_viewed'")) == 2


def test_the_tab_is_closed_in_mid_batch(site: Site, open_page: Open) -> None:
    """The service has the request and has not answered: nobody knows whether it was stored."""
    site.network.fail(hangs=True)
    page = open_page()
    track(page, 25)
    wait_until(lambda: page.evaluate("true") and site.network.batches)
    page.close()
    site.network.heal()
    page = open_page()
    site.wait_for(27)
    settled(page)
    require_labels(site, 25)


def test_leaving_the_page_at_once(site: Site, open_page: Open) -> None:
    """By a link, within the five seconds: what was recorded goes along as a beacon."""
    site.write("other.html", script="")
    page = open_page()
    track(page, 3)
    page.goto(site.origin + "/other.html")
    site.wait_for(4, seconds=30)
    require_labels(site, 3)


@pytest.mark.parametrize("status", [500, 503, 502, 408])
def test_the_service_answers_with_an_error(site: Site, open_page: Open, status: int) -> None:
    site.network.fail(status=status, for_requests=2)
    page = open_page()
    track(page, 15)
    site.wait_for(16)
    settled(page)
    require_labels(site, 15)


@pytest.mark.parametrize("status", [429, 503])
def test_the_service_says_when_to_come_again(site: Site, open_page: Open, status: int) -> None:
    site.network.fail(status=status, retry_after=4, for_requests=1)
    page = open_page()
    track(page, 15)
    site.wait_for(16)
    settled(page)
    require_labels(site, 15)
    first, second = site.network.moments[:2]
    assert second - first >= 4


def test_a_hanging_service(site: Site, open_page: Open) -> None:
    site.network.fail(hangs=True, for_requests=1)
    page = open_page()
    track(page, 15)
    site.wait_for(16)
    settled(page)
    require_labels(site, 15)
    # The page went on meanwhile, and waited for nobody.
    assert (
        page.evaluate("eventmill.track('cta_clicked', { label: '15' }) ?? 'at once'") == "at once"
    )


def test_answers_are_lost(site: Site, open_page: Open) -> None:
    """The service stored the events, and the page never hears of it."""
    site.network.fail(loses=True, for_requests=3)
    page = open_page()
    track(page, 15)
    site.wait_for(16)
    settled(page)
    require_labels(site, 15)
    assert max(site.network.times_sent().values()) > 1


FILL = """() => {
  let size = 1 << 20
  for (let n = 0; size; n++) {
    try { localStorage.setItem('fill' + n, 'x'.repeat(size)) } catch { size >>= 1 }
  }
}"""


def test_the_storage_is_full(site: Site, open_page: Open) -> None:
    page = open_page()
    site.wait_for(1)
    settled(page)
    page.evaluate(FILL)
    track(page, 25)
    assert waiting(page) == set()
    site.wait_for(26)
    require_labels(site, 25)


def test_the_storage_is_full_and_the_service_fails(site: Site, open_page: Open) -> None:
    page = open_page()
    page.evaluate(FILL)
    site.network.fail(status=500, for_requests=2)
    track(page, 25)
    site.wait_for(26)
    require_labels(site, 25)


def test_the_storage_is_forbidden(site: Site, context: BrowserContext) -> None:
    """A sandboxed frame: reading `localStorage` throws, and so do locks."""
    site.write("outer.html", '<iframe sandbox="allow-scripts" src="/"></iframe>', script="")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site.origin + "/outer.html")
    frame = page.frames[1]
    frame.wait_for_function("() => window.eventmill?.track")
    frame.evaluate("for (let i = 0; i < 25; i++) eventmill.track('cta_clicked', {label: `${i}`})")
    site.wait_for(26)
    require_labels(site, 25)
    assert errors == []
