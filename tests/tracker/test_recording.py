"""What is recorded: pages, clicks, time, people; and what is not."""

import json
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from eventmill.core.tokens import Caller, issue
from tests.support import rows, wait_until
from tests.tracker.conftest import TAG, Site, waiting
from tests.tracker.test_faults import Open, settled


def column(site: Site, name: str, where: str = "true") -> list[Any]:
    query = f"select {name} from raw.events where {where} order by occurred_at, event_id"
    return [value for (value,) in rows(site.connection, query)]


def test_a_campaign_is_kept_for_the_session(site: Site, open_page: Open, context: object) -> None:
    site.write("other.html")
    page = open_page("/?utm_source=news&utm_campaign=spring&gclid=G1")
    page.goto(site.origin + "/other.html", referer=site.origin + "/")
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("eventmill.track('asset_viewed', {position: 2}, {ip_asset_id: 'a-1'})")
    site.wait_for(3)
    assert column(site, "utm_source") == ["news"] * 3
    assert column(site, "click_id") == ["G1"] * 3
    assert len(set(column(site, "session_id"))) == len(set(column(site, "anonymous_id"))) == 1
    assert {url.split("?")[0] for url in column(site, "landing_page")} == {site.origin + "/"}
    assert column(site, "referrer") == [None] * 3
    assert column(site, "ip_asset_id") == [None, None, "a-1"]
    assert column(site, "visitor_id") == [f"anon:{own}" for own in column(site, "anonymous_id")]


def test_a_referrer_is_kept_for_the_session(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site.origin + "/", referer="https://www.google.com/")
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("history.pushState({}, '', '/next')")
    site.wait_for(2)
    assert column(site, "referrer") == ["https://www.google.com/"] * 2


def test_half_an_hour_without_events_ends_a_session(site: Site, open_page: Open) -> None:
    page = open_page()
    age = """minutes => {
      const session = JSON.parse(sessionStorage['em.session'])
      sessionStorage['em.session'] = JSON.stringify({ ...session, at: session.at - minutes * 6e4 })
    }"""
    for minutes in (29, 31):
        page.evaluate(age, minutes)
        page.evaluate("eventmill.track('cta_clicked')")
    site.wait_for(3)
    first, second, third = column(site, "session_id")
    assert first == second != third


def test_pages_of_a_single_page_app(site: Site, open_page: Open) -> None:
    page = open_page()
    page.evaluate("""async () => {
      const go = async (change) => { change(); await new Promise((done) => setTimeout(done, 50)) }
      await go(() => { history.pushState({}, '', '/a'); document.title = 'A' })
      await go(() => history.pushState({}, '', '/a#part'))
      await go(() => history.replaceState({}, '', '/a?filter=1'))
      await go(() => { history.pushState({}, '', '/redirects'); history.pushState({}, '', '/b') })
      await go(() => history.back())
    }""")
    page.wait_for_timeout(200)
    page.evaluate("eventmill.flush()")
    site.wait_for(4)
    assert column(site, "props_json ->> 'path'") == ["/", "/a", "/b", "/redirects"]
    assert column(site, "props_json ->> 'title'")[1] == "A"


def test_clicks_without_code(site: Site, open_page: Open) -> None:
    site.write(
        body="""
        <div data-em-event="cta_clicked" data-em-props='{"cta_id": "card"}'
          data-em-entity="ip_asset:a-1"><b id="inner">Card</b></div>
        <i id="broken" data-em-event="cta_clicked" data-em-props="{">Broken</i>
        <a id="out" href="https://elsewhere.example/x" onclick="event.preventDefault()">out</a>
        <a id="own" href="/x" onclick="event.preventDefault()">own</a>
        <a id="file" href="/price%20list.pdf" onclick="event.preventDefault()">file</a>""",
        script=TAG % "data-outbound data-downloads data-pages=false",
    )
    page = open_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    for name in ("inner", "out", "own", "file", "broken"):
        page.click(f"#{name}")
    page.evaluate("eventmill.flush()")
    site.wait_for(4)
    clicked = column(site, "props_json", "event_type = 'cta_clicked'")
    assert clicked == [
        {"cta_id": "card"},
        {"cta_id": "outbound", "href": "https://elsewhere.example/x"},
        {"cta_id": "download", "href": f"{site.origin}/price%20list.pdf"},
        {},
    ]
    assert column(site, "ip_asset_id")[0] == "a-1"
    assert any("data-em-props is not JSON" in message for message in messages)


def test_time_on_a_page_is_measured(site: Site, open_page: Open) -> None:
    """Two seconds on one asset, three on the next; a page in the background counts no time."""
    page = open_page()
    page.evaluate("eventmill.track('asset_viewed', {}, {ip_asset_id: 'a-1'})")
    page.wait_for_timeout(2_000)
    page.evaluate("eventmill.track('asset_viewed', {}, {ip_asset_id: 'a-2'})")
    page.wait_for_timeout(3_000)
    page.evaluate("history.pushState({}, '', '/next')")
    engaged = "event_type = 'page_engaged'"
    site.wait_for(2, engaged)
    assert column(site, "ip_asset_id", engaged) == ["a-1", "a-2"]
    first, second = column(site, "(props_json ->> 'engagement_ms')::int", engaged)
    assert 1_900 <= first < second
    assert second >= 2_900
    assert column(site, "page_url", engaged) == [f"{site.origin}/"] * 2


def test_a_person_with_a_token(site: Site, open_page: Open) -> None:
    page = open_page()
    token = issue(Caller("brand-user", "brand", "brand-1"))
    page.evaluate("token => eventmill.identify('brand-user', token)", token)
    page.evaluate("eventmill.track('license_clicked', {price_cents: 5}, {ip_asset_id: 'a-1'})")
    site.wait_for(2)
    page.evaluate("eventmill.reset()")
    page.evaluate("eventmill.track('cta_clicked')")
    site.wait_for(3)
    assert column(site, "event_type") == ["page_viewed", "license_clicked", "cta_clicked"]
    assert column(site, "actor_id") == [None, "brand-user", None]
    assert column(site, "brand_id") == [None, "brand-1", None]
    before, with_token, after = column(site, "anonymous_id")
    assert before == with_token != after
    assert rows(site.connection, "select user_id, verified from raw.identities") == [
        ("brand-user", True)
    ]
    # A token is nothing that may lie on a device.
    assert token not in json.dumps(page.evaluate("({...localStorage, ...sessionStorage})"))


def test_a_token_that_is_over_is_waited_for(site: Site, open_page: Open) -> None:
    site.write(script=TAG % "data-engagement=false")
    page = open_page()
    site.wait_for(1)
    page.evaluate("eventmill.identify('u', 'not.a.token')")
    page.evaluate("eventmill.track('license_clicked')")
    page.evaluate("eventmill.flush()")
    page.reload()
    page.wait_for_function("() => window.eventmill?.track")
    site.wait_for(2)
    wait_until(lambda: len(waiting(page)) == 1)
    assert column(site, "user_id") == [None, "u"]
    page.evaluate("t => eventmill.identify('u', t)", issue(Caller("u", "creator")))
    site.wait_for(3)
    assert column(site, "actor_id", "event_type = 'license_clicked'") == ["u"]


def test_what_is_rejected_is_reported_and_not_sent_again(site: Site, open_page: Open) -> None:
    page = open_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    rejected = "event rejected"

    def reports() -> int:
        page.evaluate("true")
        return sum(rejected in message for message in messages)

    page.evaluate("eventmill.track('license_clicked')")
    page.evaluate("eventmill.track('cta_clicked', {label: 5})")
    page.evaluate("eventmill.track('cta_clicked', {label: 'good'})")
    page.evaluate("eventmill.flush()")
    site.wait_for(2)
    settled(page)
    wait_until(lambda: reports() == 2)
    page.evaluate("eventmill.track('license_clicked')")  # alone: the answer is 403
    page.evaluate("eventmill.flush()")
    wait_until(lambda: reports() == 3)
    settled(page)
    assert set(site.network.times_sent().values()) == {1}


def test_a_wrong_key_is_tried_once_a_page(site: Site, open_page: Open) -> None:
    good, site.key = site.key, "emk_pub_" + "x" * 32
    site.write()
    page = open_page()
    for _ in range(3):
        page.evaluate("eventmill.track('cta_clicked')")
        page.evaluate("eventmill.flush()")
    assert len(site.network.batches) == 1
    assert len(waiting(page)) == 4
    site.key = good
    site.write()
    page.reload()
    site.wait_for(5)


def test_a_secret_key_is_refused(site: Site, open_page: Open) -> None:
    site.key = "emk_sec_" + "x" * 32
    site.write()
    page = open_page()
    page.evaluate("eventmill.track('cta_clicked')")
    page.evaluate("eventmill.flush()")
    assert site.network.batches == []


def test_calls_before_the_script_is_there(site: Site, open_page: Open) -> None:
    site.write(
        script="<script>(window.eventmill ||= []).push(['track', 'cta_clicked', {label: 'early'}])"
        "</script>" + TAG % ""
    )
    page = open_page()
    page.evaluate("eventmill.push(['track', 'cta_clicked', {label: 'late'}])")
    site.wait_for(3)
    clicked = column(site, "props_json ->> 'label'", "event_type = 'cta_clicked'")
    assert clicked == ["early", "late"]


def nothing_is_kept(page: Page) -> bool:
    stored: int = page.evaluate("localStorage.length + sessionStorage.length")
    return stored == 0


def test_without_anything_on_the_device(site: Site, open_page: Open) -> None:
    site.write(script=TAG % "data-cookieless")
    page = open_page()
    page.evaluate("eventmill.identify('somebody')")
    page.evaluate("eventmill.track('cta_clicked')")
    site.wait_for(2)
    assert nothing_is_kept(page)
    assert column(site, "anonymous_id") == column(site, "session_id") == [None, None]
    (visitor,) = set(column(site, "visitor_id"))
    assert len(visitor) == len("hash:") + 32


def test_who_asks_not_to_be_tracked_is_not(site: Site, chromium: Browser) -> None:
    for script in (
        "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })",
        "Object.defineProperty(navigator, 'doNotTrack', { value: '1' })",
    ):
        context = chromium.new_context()
        context.add_init_script(script)
        page = context.new_page()
        page.goto(site.origin)
        page.wait_for_function("() => window.eventmill?.track")
        page.evaluate("eventmill.track('cta_clicked')")
        page.evaluate("eventmill.identify('somebody')")
        page.evaluate("eventmill.flush()")
        assert nothing_is_kept(page)
        context.close()
    assert site.network.batches == []


def test_opting_out_and_in_again(site: Site, open_page: Open) -> None:
    page = open_page()
    page.evaluate("eventmill.track('cta_clicked')")
    page.evaluate("eventmill.optOut()")
    page.reload()
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("eventmill.track('cta_clicked')")
    page.evaluate("eventmill.flush()")
    assert page.evaluate("Object.keys(localStorage)") == ["em.out"]
    assert page.evaluate("sessionStorage.length") == 0
    assert site.network.batches == []
    page.evaluate("eventmill.optIn()")
    page.evaluate("eventmill.track('cta_clicked', {label: 'in'})")
    page.evaluate("eventmill.flush()")
    site.wait_for(1)
    assert column(site, "props_json ->> 'label'") == ["in"]
