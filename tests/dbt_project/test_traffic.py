"""traffic_daily and its roll-ups against the same sums in Python, over random events."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.dbt_project.conftest import BOT, BROWSER
from tests.dbt_project.warehouse import Event, Warehouse, messages

ONE = timedelta(days=1)
MODELS = ("visitors", "traffic_daily", "int_traffic_days", "int_platform_visitors")
# (referrer, utm_source, utm_medium, utm_campaign) → channel, source, medium, campaign.
WAYS = {
    (None, None, None, None): ("direct", "(direct)", "(none)", None),
    ("https://blog.example/post", None, None, None): ("referral", "blog.example", "referral", None),
    (None, "Newsletter", "email", "Spring"): ("email", "newsletter", "email", "spring"),
    (None, "newsletter", "email", None): ("email", "newsletter", "email", None),
}
NUMBERS = "select visitor_number, visitor_id from marts.visitors where visitor_id like %s"
ROLLUP = """
select ip_asset_id, channel, source, medium, campaign, views, clicks, unique_visitors, visitors
from intermediate.int_traffic_days where date = %s and grain = %s
"""


def drawn(dice: random.Random, day: date) -> Event:
    referrer, source, medium, campaign = dice.choice(list(WAYS))
    return Event(
        day,
        dice.choice(["asset_viewed", "asset_downloaded", "page_viewed"]),
        visitor_id=f"hash:{dice.choice('abcdefgh')} {day}",
        at=dice.randrange(86_400_000_000),
        ip_asset_id=dice.choice(["x", "y", None]),
        project_id=dice.choice(["p", None]),
        user_agent=dice.choice([BROWSER, BROWSER, BOT]),
        referrer=referrer,
        utm_source=source,
        utm_medium=medium,
        utm_campaign=campaign,
    )


def way(event: Event) -> tuple[str, str, str, str | None]:
    return WAYS[event.referrer, event.utm_source, event.utm_medium, event.utm_campaign]


def run(warehouse: Warehouse, day: date) -> None:
    warehouse.manifest()
    window = ["--event-time-start", str(day), "--event-time-end", str(day + ONE)]
    result = warehouse.dbt("run", *window, "--select", *MODELS)
    assert result.success, messages(result)


def counted(events: list[Event]) -> tuple[int, int, frozenset[str]]:
    types = [event.event_type for event in events]
    visitors = frozenset(event.visitor_id for event in events)
    return types.count("asset_viewed"), types.count("asset_downloaded"), visitors


def rollup(warehouse: Warehouse, day: date, grain: str) -> dict[tuple[Any, ...], Any]:
    names = dict(warehouse.rows(NUMBERS, f"% {day}"))
    found = {}
    for *values, views, clicks, uniques, packed in warehouse.rows(ROLLUP, day, grain):
        numbers = [int.from_bytes(packed[n : n + 4]) for n in range(0, len(packed), 4)]
        assert len(numbers) == uniques
        found[tuple(values)] = (views, clicks, frozenset(names[n] for n in numbers))
    return found


def expected(
    events: list[Event], key: Callable[[Event], tuple[Any, ...] | None]
) -> dict[tuple[Any, ...], Any]:
    groups = defaultdict(list)
    for event in events:
        if event.user_agent != BOT and (values := key(event)) is not None:
            groups[values].append(event)
    return {values: counted(members) for values, members in groups.items()}


def test_roll_ups_are_the_events_summed(warehouse: Warehouse, day: date) -> None:
    dice = random.Random(21)
    events = [drawn(dice, day) for _ in range(300)]
    warehouse.insert(events)
    run(warehouse, day)
    assert rollup(warehouse, day, "asset_channel") == expected(
        events,
        lambda e: (e.ip_asset_id, way(e)[0], None, None, None) if e.ip_asset_id else None,
    )
    assert rollup(warehouse, day, "source") == expected(events, lambda e: (None, *way(e)))
    assert rollup(warehouse, day, "channel") == expected(
        events, lambda e: (None, way(e)[0], None, None, None)
    )


def test_the_detail_is_the_events_summed(warehouse: Warehouse, day: date) -> None:
    dice = random.Random(22)
    events = [drawn(dice, day) for _ in range(200)]
    warehouse.insert(events)
    run(warehouse, day)
    # Again, with one event less: a build replaces its day.
    warehouse.execute("delete from raw.events where event_id = %s", events.pop().event_id)
    run(warehouse, day)
    names = dict(warehouse.rows(NUMBERS, f"% {day}"))
    found = {
        (names[number], *values): (views, clicks, count)
        for number, *values, views, clicks, count in warehouse.rows(
            "select visitor_number, ip_asset_id, project_id, channel, source, medium, campaign,"
            " views, clicks, events from marts.traffic_daily where date = %s",
            day,
        )
    }
    groups = defaultdict(list)
    for event in events:
        if event.user_agent != BOT:
            groups[event.visitor_id, event.ip_asset_id, event.project_id, *way(event)].append(event)
    assert found == {
        values: (*counted(members)[:2], len(members)) for values, members in groups.items()
    }


def test_the_platforms_bitmap_is_its_visitors(warehouse: Warehouse, day: date) -> None:
    # More than a word of them, so that bits of several words are set.
    people = [Event(day, visitor_id=f"hash:{n} {day}", user_agent=BROWSER) for n in range(150)]
    bots = [Event(day, visitor_id=f"bot {n} {day}", user_agent=BOT) for n in range(5)]
    warehouse.insert([*people, *bots, *(event.on(day) for event in people[:20])])
    run(warehouse, day)
    [(bits,)] = warehouse.rows(
        "select bits from intermediate.int_platform_visitors where date = %s", day
    )
    numbers = {
        position * 8 + bit
        for position in range(0, len(bits), 8)
        for bit in range(64)
        if int.from_bytes(bits[position : position + 8]) >> bit & 1
    }
    names = dict(warehouse.rows(NUMBERS, f"% {day}"))
    assert {names[number] for number in numbers} == {event.visitor_id for event in people}
