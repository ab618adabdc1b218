"""Unique visitors of ranges, points and groups of entities equal SQL's count(distinct)."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from dashboards_api.brands.queries import portfolio
from dashboards_api.database import create_pool, snapshot
from dashboards_api.metrics.breakdowns import EVERYTHING, POINTS, Breakdown, of_assets
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.service import count
from dashboards_api.ranges import INTERVALS, Interval
from eventmill.core.days import DayWindow, utc_today
from tests.dashboards_api.conftest import build
from tests.dashboards_api.support import Event, at, insert
from tests.support import rows, scalar

TODAY = utc_today()
DAYS = 38
ASSETS, PROJECTS = ("a", "b", "c"), ("p", "q")
BREAKDOWNS = [
    EVERYTHING,
    of_assets(["a"], ("channel",)),
    of_assets(["nobody's"], ("channel",)),
    of_assets(["a", "b", "nobody's"], ("ip_asset_id",), ("channel",)),
    of_assets([], ("ip_asset_id",)),
    portfolio(["p", "q"], 20),
]
COUNTED = """
select {point}, count(distinct visitor_id) from intermediate.int_events
where is_counted and occurred_at >= %(start)s and occurred_at < %(end)s and {live} group by 1
"""


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def some_events(dice: random.Random, count: int, first: int, last: int) -> list[Event]:
    return [
        Event(
            event_type="asset_viewed",
            occurred_at=at(ago(dice.randint(last, first)), dice.choice([0, 12, 23.99])),
            visitor_id=(who := f"visitor-{dice.randrange(25)}"),
            anonymous_id=who,
            ip_asset_id=dice.choice([*ASSETS, None]),
            project_id=dice.choice([*PROJECTS, None]),
        )
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def filled(events: psycopg.Connection) -> random.Random:
    dice = random.Random(20150517)
    insert(events, *some_events(dice, 400, DAYS, 0))
    # Gaps of unbuilt days, yesterday and today among them; two builds in the wrong order.
    for first, last in ((18, 9), (DAYS, 27), (6, 2)):
        build(ago(first), ago(last))
    return dice


Question = tuple[Breakdown, DayWindow, Interval]
# Visitors in all, by point, and by each column that rows of one are grouped by.
Answer = tuple[int, dict[date, int], dict[str, dict[str, int]]]


def all_answered(url: str, questions: Sequence[Question]) -> list[Answer]:
    async def ask() -> list[Answer]:
        found = []
        async with create_pool(url) as pool, snapshot(pool) as connection:
            now = await moment(connection)
            for breakdown, window, interval in questions:
                counted = await count(connection, breakdown, window, now, interval)
                groups = {
                    members[0]: {key[0]: one["unique_visitors"] for key, one in grouped.items()}
                    for members, grouped in counted.groups.items()
                    if len(members) == 1
                }
                points = groups.pop(POINTS[0])
                found.append((counted.total["unique_visitors"], points, groups))
        return found

    return asyncio.run(ask())


def answered(url: str, breakdown: Breakdown, window: DayWindow, interval: Interval) -> int:
    [(total, _, _)] = all_answered(url, [(breakdown, window, interval)])
    return total


def require_exact(
    events: psycopg.Connection, url: str, windows: Sequence[DayWindow], asked: list[Breakdown]
) -> None:
    questions = list(itertools.product(asked, windows, INTERVALS))
    answers = all_answered(url, questions)
    for (breakdown, window, interval), found in zip(questions, answers, strict=True):
        total = dict(rows_of(events, breakdown, "null::date", window)).get(None, 0)
        label = f"date_trunc('{interval}', occurred_at at time zone 'UTC')::date"
        points = dict(rows_of(events, breakdown, label, window))
        groups = {
            members[0]: dict(rows_of(events, breakdown, IN_EVENTS.get(*members, *members), window))
            for members in breakdown.sets
            if len(members) == 1
        }
        assert found == (total, points, groups), (breakdown, window, interval)


IN_EVENTS = {"campaign": "traffic_campaign"}


def rows_of(
    events: psycopg.Connection, breakdown: Breakdown, group: str, window: DayWindow
) -> list[tuple[Any, ...]]:
    query = COUNTED.format(point=group, live=breakdown.scope.live).encode()
    return events.execute(query, breakdown.scope.over(window)).fetchall()


def windows(dice: random.Random, count: int) -> list[DayWindow]:
    drawn = [sorted(dice.choices(range(-1, DAYS + 3), k=2)) for _ in range(count)]
    return [DayWindow(ago(first), ago(last)) for last, first in drawn]


WHOLE = DayWindow(ago(DAYS), TODAY)
BUILT = DayWindow(ago(DAYS), ago(27))
LIVE = DayWindow(ago(1), TODAY)


def test_each_visitor_is_counted_once(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    asked = [WHOLE, BUILT, LIVE, DayWindow(ago(7), ago(7)), *windows(filled, 8)]
    require_exact(events, views_database, asked, BREAKDOWNS)


def test_somebody_never_seen_before_is_counted_today(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    before = answered(views_database, EVERYTHING, WHOLE, "month")
    insert(
        events,
        *(
            Event(event_type="asset_viewed", occurred_at=at(ago(0), 1), visitor_id=f"new-{n % 3}")
            for n in range(5)
        ),
    )
    assert scalar(events, "select count(*) from marts.visitors where visitor_id ~ 'new'") == 0
    assert answered(views_database, EVERYTHING, WHOLE, "month") == before + 3
    require_exact(events, views_database, [WHOLE, LIVE], BREAKDOWNS)


def test_an_erased_person_leaves_the_sets(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    before = answered(views_database, EVERYTHING, WHOLE, "week")
    events.execute("delete from raw.events where visitor_id = 'visitor-7'")
    assert answered(views_database, EVERYTHING, BUILT, "week") > 0
    build(ago(DAYS), ago(2))
    events.execute(
        "update marts.visitors set visitor_id = null where visitor_id = 'hash:visitor-7'"
    )
    assert answered(views_database, EVERYTHING, WHOLE, "week") == before - 1
    require_exact(events, views_database, [WHOLE, BUILT, *windows(filled, 2)], BREAKDOWNS)


def test_two_who_turn_out_to_be_one_are_one_after_a_rebuild(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    before = answered(views_database, EVERYTHING, WHOLE, "day")
    events.execute(
        "insert into raw.identities values"
        " ('visitor-1', 'they', true, now()), ('visitor-2', 'they', true, now()),"
        " ('visitor-3', 'somebody', true, now())"
    )
    build(ago(DAYS), ago(2))
    assert answered(views_database, EVERYTHING, WHOLE, "day") == before - 1
    require_exact(events, views_database, [WHOLE, BUILT, LIVE, *windows(filled, 3)], BREAKDOWNS)


def test_late_events_are_counted_after_a_rebuild(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    insert(events, *some_events(filled, 60, 12, 9))
    build(ago(12), ago(9))
    require_exact(events, views_database, [WHOLE, *windows(filled, 3)], BREAKDOWNS)


def test_a_day_that_was_built_before_there_were_sets_is_live(
    filled: random.Random, events: psycopg.Connection, views_database: str
) -> None:
    day = DayWindow(ago(5), ago(5))
    events.execute("delete from intermediate.int_entity_days where date = %s", (ago(5),))
    require_exact(events, views_database, [day, WHOLE], BREAKDOWNS)
    assert rows(events, "select from marts.daily_builds where date = %s", ago(5))
