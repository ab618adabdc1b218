"""What the tracker costs a page of 1,000 tracked elements while it loads, by Chromium's trace.

Layouts are counted, which no busy machine changes. The CPU time of the page's thread is printed and
not asserted: run with `-s` on an idle machine to see it (docs/decisions/0023 has the figures).
"""

import json
from typing import Any

from playwright.sync_api import Browser

from tests.tracker.conftest import Site

ELEMENTS = 1_000
LOADS = 3
LAYOUTS = {"Layout", "UpdateLayoutTree", "RecalculateStyles"}
SCRIPTS = {"EvaluateScript", "FunctionCall", "v8.compile", "EventDispatch", "TimerFire"}
Entry = dict[str, Any]


def is_ours(entry: Entry) -> bool:
    return "/em.js" in json.dumps(entry.get("args", {}))


def load(site: Site, chromium: Browser) -> list[Entry]:
    """The trace of one first visit, until the first event was sent."""
    context = chromium.new_context()
    page = context.new_page()
    before = len(site.network.batches)
    chromium.start_tracing(page=page, categories=["devtools.timeline", "v8"])
    page.goto(site.origin)
    page.wait_for_function("() => window.eventmill?.track")
    page.evaluate("eventmill.flush()")
    trace = json.loads(chromium.stop_tracing())
    assert len(site.network.batches) == before + 1
    context.close()
    entries: list[Entry] = trace["traceEvents"]
    return entries


def test_a_page_with_a_thousand_tracked_elements(site: Site, chromium: Browser) -> None:
    button = (
        '<button data-em-event="cta_clicked" data-em-props=\'{{"cta_id": "{0}"}}\'>{0}</button>'
    )
    site.write(body="".join(button.format(n) for n in range(ELEMENTS)))
    longest = []
    for _ in range(LOADS):
        entries = load(site, chromium)
        ours = [e for e in entries if e.get("ph") == "X" and e["name"] in SCRIPTS and is_ours(e)]
        assert any(entry["name"] == "EvaluateScript" for entry in ours)
        longest.append(max(entry.get("tdur", entry["dur"]) for entry in ours) / 1000)
        inside = [
            (entry["name"], mine["name"])
            for entry in entries
            for mine in ours
            if entry["name"] in LAYOUTS and entry["tid"] == mine["tid"]
            and mine["ts"] <= entry["ts"] <= mine["ts"] + mine["dur"]
        ]  # fmt: skip
        assert inside == []
    print(f"longest piece of work, ms of CPU: {sorted(round(ms, 2) for ms in longest)}")
