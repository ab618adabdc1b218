"""The published cases of GA4's channel groups, through the real model in real PostgreSQL.

`dbt build` runs them as a unit test; there a missing value is null. Here it is also an empty
string, blanks, or `(not set)`, and written in capitals, which must not matter.
"""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.dbt_project.warehouse import Event, Warehouse

SPELLINGS: dict[str, Callable[[str], str | None]] = {
    "as published": lambda value: value,
    "null": lambda value: value or None,
    "not set": lambda value: value or "(not set)",
    "blanks": lambda value: f"  {value} ",
    "capitals": str.upper,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_published_cases(warehouse: Warehouse, day: date, project: Path, spelling: str) -> None:
    spell = SPELLINGS[spelling]
    with (project / "tests/fixtures/ga4_channel_cases_expected.csv").open(newline="") as lines:
        cases = list(csv.DictReader(lines))
    assert len(cases) == 30
    warehouse.insert(
        Event(
            day,
            visitor_id=str(number),
            utm_source=spell(case["utm_source"]),
            utm_medium=spell(case["utm_medium"]),
            utm_campaign=spell(case["utm_campaign"]),
        )
        for number, case in enumerate(cases)
    )
    found = dict(
        warehouse.rows(
            "select visitor_id, channel from intermediate.int_events where occurred_at >= %s"
            " and occurred_at < %s::date + 1",
            day,
            day,
        )
    )
    wrong = {
        (case["utm_source"], case["utm_medium"], case["utm_campaign"]): found[f"hash:{number}"]
        for number, case in enumerate(cases)
        if found[f"hash:{number}"] != case["channel"]
    }
    assert not wrong


def test_garbage_in_urls_and_tags_never_fails(warehouse: Warehouse, day: date) -> None:
    garbage = [
        "", " ", "\n", "-", "%", "\\", "null", "(not set)", "//x/y", "http", "http:", "http:/",
        "http://", "http:///", "http://?", "http://#", "http://@", "http://:80", "https://www.",
        "https://.", "https://..", "https://a:b@c:d@e:f/", "https://%zz/", "https://[::1",
        "https://]", "https://\\x", "https://ex ample/", "https://a\nb/", "https://🦊/",
        "https://ﬁ.example/", "https://\u202ex/", "https://" + "a" * 100_000, "data:text/html,<p>",
    ]  # fmt: skip
    plain = Event(day, click_id="x")
    warehouse.insert(
        replace(plain.on(day), **{field: value})
        for field in ("referrer", "page_url", "landing_page", "utm_source", "utm_medium")
        for value in garbage
    )
    warehouse.insert(
        replace(
            plain.on(day), referrer=value, page_url=value, landing_page=value, utm_campaign=value
        )
        for value in garbage
    )
    warehouse.run_marts(day)
    [(built,)] = warehouse.rows(
        "select count(*) from marts.attribution where occurred_at::date = %s", day
    )
    assert built == 6 * len(garbage)
