"""Several tabs of one site, and pages that come back: nothing is sent twice or left behind."""

from collections import Counter

from playwright.sync_api import BrowserContext

from tests.support import wait_until
from tests.tracker.conftest import TAG, Site, waiting
from tests.tracker.test_faults import Open, require_labels, settled, track

NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"
AGED = """() => {
  for (const [name, text] of Object.entries(localStorage))
    if (name.startsWith('em.q.'))
      localStorage.setItem(name, text.replace(/^\\d+/, (at) => +at - 11 * 60_000))
}"""


def test_two_tabs_send_each_their_own(site: Site, open_page: Open, context: BrowserContext) -> None:
    first, second = open_page(), open_page()
    site.wait_for(2)
    # Both hold events when they come back online, and look for what others have left.
    context.set_offline(True)
    first.evaluate("for (let i = 0; i < 25; i++) eventmill.track('cta_clicked', {label: `${i}`})")
    second.evaluate("for (let i = 25; i < 50; i++) eventmill.track('cta_clicked', {label: `${i}`})")
    assert len(waiting(first)) == 50
    before = len(site.network.batches)
    context.set_offline(False)
    site.wait_for(52)
    settled(first)
    require_labels(site, 50)
    sent = Counter(event for batch in site.network.batches[before:] for event in batch)
    assert set(sent.values()) == {1}
    assert first.evaluate("localStorage['em.anonymous']") == second.evaluate(
        "localStorage['em.anonymous']"
    )


def test_a_closed_tab_s_events_are_taken_over_by_one(
    site: Site, open_page: Open, context: BrowserContext
) -> None:
    others = [open_page(), open_page()]
    site.wait_for(2)
    page = open_page()
    site.wait_for(3)
    settled(page)
    context.set_offline(True)
    # The browser takes what a closing tab hands over, and there is no way out for it.
    page.evaluate("navigator.sendBeacon = () => true")
    # Not closed before it has failed: what is on its way outlives the page.
    with page.expect_event("requestfailed"):
        track(page, 25)
    page.close()
    before = len(site.network.batches)
    context.set_offline(False)
    # Coming online is what makes both look, at the same time.
    site.wait_for(28)
    settled(others[0])
    require_labels(site, 25)
    sent = Counter(event for batch in site.network.batches[before:] for event in batch)
    assert set(sent.values()) == {1}


def test_without_locks_what_is_ten_minutes_old_is_taken_over(
    site: Site, open_page: Open, context: BrowserContext
) -> None:
    """As on pages that are not HTTPS."""
    site.write(script=TAG % "data-engagement=false")
    context.add_init_script(NO_LOCKS)
    page = open_page()
    site.wait_for(1)
    settled(page)
    context.set_offline(True)
    track(page, 15)
    page.close()
    context.set_offline(False)
    page = open_page()
    site.wait_for(2)
    wait_until(lambda: len(waiting(page)) == 15)
    page.evaluate(AGED)
    page.reload()
    page.wait_for_function("() => window.eventmill?.track")
    site.wait_for(18)
    settled(page)
    require_labels(site, 15)


def test_back_from_the_browser_s_cache_of_pages(site: Site, open_page: Open) -> None:
    site.write("other.html")
    page = open_page()
    page.evaluate("addEventListener('pageshow', (event) => (window.persisted = event.persisted))")
    track(page, 3)
    page.goto(site.origin + "/other.html")
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("history.back()")
    page.wait_for_function("() => window.persisted")
    page.evaluate("for (let i = 3; i < 15; i++) eventmill.track('cta_clicked', {label: `${i}`})")
    # The page, the other one, and the page again.
    site.wait_for(3 + 15)
    settled(page)
    require_labels(site, 15)
    assert len(site.stored("event_type = 'page_viewed'")) == 3


def test_back_while_the_service_hangs(site: Site, open_page: Open) -> None:
    """What was on its way when the page was put aside is not lost, and not stored twice."""
    site.write("other.html")
    page = open_page()
    page.evaluate("addEventListener('pageshow', (event) => (window.persisted = event.persisted))")
    site.network.fail(hangs=True, for_requests=2)
    track(page, 15)
    wait_until(lambda: page.evaluate("true") and site.network.batches)
    page.goto(site.origin + "/other.html")
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("history.back()")
    page.wait_for_function("() => window.persisted !== undefined")
    site.network.heal()
    site.wait_for(3 + 15)
    settled(page)
    require_labels(site, 15)
