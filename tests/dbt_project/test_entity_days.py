"""Visitors have numbers, and each day and entity the set of its visitors' numbers."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from tests.dbt_project.conftest import BOT, BROWSER
from tests.dbt_project.warehouse import SETS, Event, Warehouse, messages

ONE = timedelta(days=1)
NUMBERS = "select visitor_id, visitor_number from marts.visitors where visitor_id like %s"
# Who is in each set, by name: builds in another order give other numbers.
MEMBERS = """
select d.date, d.project_id, d.ip_asset_id, d.license_id, d.unique_visitors,
    array(
        select v.visitor_id
        from generate_series(0, octet_length(d.visitors) / 4 - 1) as i
        join marts.visitors v on v.visitor_number
            = ('x' || encode(substr(d.visitors, (i * 4 + 1)::int, 4), 'hex'))::bit(32)::int
        order by v.visitor_id
    ) as members
from marts.visitor_sets d
where d.date = any(%s)
order by 1, 2 nulls first, 3 nulls first, 4 nulls first
"""
SUMS = """
select to_jsonb(d) - 'visitors' from intermediate.int_entity_days d where d.date = any(%s)
order by d.date, project_id nulls first, ip_asset_id nulls first, license_id nulls first
"""


def members(warehouse: Warehouse, *days: date) -> list[tuple[Any, ...]]:
    return warehouse.rows(MEMBERS, list(days))


def test_a_set_is_the_numbers_of_its_counted_visitors(warehouse: Warehouse, day: date) -> None:
    ann, bob, bot = (f"hash:{name} {day}" for name in ("ann", "bob", "bot"))
    warehouse.insert(
        [
            Event(day, visitor_id=ann, ip_asset_id="a", project_id="p", user_agent=BROWSER),
            Event(day, visitor_id=ann, ip_asset_id="a"),
            Event(day, visitor_id=bob, ip_asset_id="a"),
            Event(day, visitor_id=bot, ip_asset_id="b", user_agent=BOT),
            Event(day, visitor_id=bob, license_id="l", user_agent=BOT),
        ]
    )
    warehouse.run_marts(day)
    assert members(warehouse, day) == [
        (day, None, None, None, 2, [ann, bob]),
        (day, None, None, "l", 0, []),
        (day, None, "a", None, 2, [ann, bob]),
        (day, None, "b", None, 0, []),
        (day, "p", None, None, 1, [ann]),
        (day, "p", "a", None, 1, [ann]),
    ]


def test_numbers_are_dense_and_stay(warehouse: Warehouse, day: date) -> None:
    pattern = f"%-{day}"
    warehouse.insert(Event(day, visitor_id=f"{n % 30}-{day}") for n in range(40))
    warehouse.run_marts(day)
    known = dict(warehouse.rows(NUMBERS, pattern))
    assert len(known) == 30
    warehouse.insert(Event(day + n % 9 * ONE, visitor_id=f"{n}-{day}") for n in range(25, 40))
    # A range of days is one append, and building it again adds nobody.
    for _ in range(2):
        warehouse.run_marts(day, day + 8 * ONE)
    now = dict(warehouse.rows(NUMBERS, pattern))
    assert len(now) == 40
    assert known.items() <= now.items()
    [(count, lowest, highest)] = warehouse.rows(
        "select count(*), min(visitor_number), max(visitor_number) from marts.visitors"
    )
    assert (lowest, highest) == (1, count)


def test_only_visitors_of_the_days_are_added(warehouse: Warehouse, day: date) -> None:
    last = 24 * 60 * 60 * 1_000_000 - 1
    for offset, at in ((-1, last), (0, 0), (2, last), (3, 0)):
        warehouse.insert([Event(day + offset * ONE, visitor_id=f"hash:{offset}-{day}", at=at)])
    warehouse.manifest()
    # Microbatch takes a day that is begun for the whole of it, and so do the visitors.
    window = ["--event-time-start", f"{day} 06:00:00"]
    window += ["--event-time-end", f"{day + 2 * ONE} 06:00:00"]
    result = warehouse.dbt("run", *window, "--select", *SETS)
    assert result.success, messages(result)
    assert set(dict(warehouse.rows(NUMBERS, f"%-{day}"))) == {f"hash:0-{day}", f"hash:2-{day}"}
    assert [row[0] for row in members(warehouse, day, day + 2 * ONE)] == [day, day + 2 * ONE]


def test_a_number_of_an_erased_person_is_not_given_again(warehouse: Warehouse, day: date) -> None:
    warehouse.insert([Event(day, visitor_id=f"hash:me-{day}")])
    warehouse.run_marts(day)
    erase = "update marts.visitors set visitor_id = null where visitor_id = %s"
    assert warehouse.execute(erase, f"hash:me-{day}") == 1
    warehouse.execute("delete from raw.events where visitor_id = %s", f"hash:me-{day}")
    warehouse.insert([Event(day, visitor_id=f"hash:new-{day}")])
    warehouse.run_marts(day)
    assert members(warehouse, day) == [(day, None, None, None, 1, [f"hash:new-{day}"])]


def test_a_visitor_who_comes_while_a_day_is_built_waits_for_the_next_build(
    warehouse: Warehouse, day: date
) -> None:
    warehouse.insert([Event(day, visitor_id=f"hash:early-{day}")])
    warehouse.run_marts(day)
    warehouse.insert([Event(day, "asset_viewed", f"hash:late-{day}", ip_asset_id="a")])
    warehouse.manifest()
    window = ["--event-time-start", str(day), "--event-time-end", str(day + ONE)]
    result = warehouse.dbt("run", *window, "--select", "int_entity_days")
    assert result.success, messages(result)
    assert [row[4:] for row in members(warehouse, day)] == [(1, [f"hash:early-{day}"]), (0, [])]
    warehouse.run_marts(day)
    assert len(members(warehouse, day)[0][5]) == 2


def test_builds_in_any_order_give_what_one_build_gives(warehouse: Warehouse, day: date) -> None:
    dice = random.Random(20150517)
    days = [day + n * ONE for n in range(5)]
    warehouse.insert(
        Event(
            dice.choice(days),
            dice.choice(["asset_viewed", "license_created"]),
            f"hash:{dice.randrange(12)}-{day}",
            project_id=dice.choice([None, "p", "q"]),
            ip_asset_id=dice.choice([None, "a", "b"]),
            license_id=dice.choice([None, None, "l"]),
            user_agent=dice.choice([None, BOT, BROWSER]),
            props=dice.choice(["{}", '{"revenue_cents": 7, "currency": "EUR"}']),
        )
        for _ in range(300)
    )
    for one in dice.sample(days, 5):
        warehouse.run_marts(one)
    warehouse.execute("delete from raw.events where visitor_id = %s", f"hash:3-{day}")
    warehouse.insert([Event(days[1], "asset_viewed", f"hash:late-{day}", ip_asset_id="a")])
    for one in [days[1], *dice.sample(days, 5)]:
        warehouse.run_marts(one)
    one_by_one = members(warehouse, *days), warehouse.rows(SUMS, days)
    warehouse.execute("delete from intermediate.int_entity_days where date = any(%s)", days)
    warehouse.run_marts(days[0], days[-1])
    assert (members(warehouse, *days), warehouse.rows(SUMS, days)) == one_by_one
    assert all(f"hash:3-{day}" not in row[5] for row in one_by_one[0])


def test_other_money_is_apart(warehouse: Warehouse, day: date) -> None:
    def sale(**props: Any) -> Event:
        return Event.with_props(day, "license_created", **props)

    warehouse.insert(
        [
            sale(revenue_cents=5),
            sale(revenue_cents=7, currency="EUR"),
            sale(revenue_cents=8, currency="EUR"),
            sale(revenue_cents=9, currency="JPY"),
            sale(currency="GBP"),
        ]
    )
    warehouse.run_marts(day)
    assert warehouse.rows(
        "select revenue_cents, metadata from marts.daily_metrics where date = %s", day
    ) == [(5, {"bot_events": 0, "bot_visitors": 0, "other_revenue": {"EUR": 15, "JPY": 9}})]


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("visitors = visitors || int4send(1)", "int_entity_days_are_sets"),
        ("bot_events = -1", "int_entity_days_are_sets"),
        ("views = views + 1", "int_entity_days_parts_are_within_wholes"),
        ("unique_visitors = 9", "int_entity_days_parts_are_within_wholes"),
    ],
)
def test_what_cannot_be_is_noticed(warehouse: Warehouse, day: date, fault: str, test: str) -> None:
    # dbt test looks at the last three days there are.
    late = date(2090, 1, 1) + (day - date(2020, 1, 1))
    warehouse.insert([Event(late, "asset_viewed", ip_asset_id="a", project_id="p")])
    warehouse.run_marts(late)
    assert warehouse.dbt("test", "--select", test).success
    broken = f"update intermediate.int_entity_days set {fault} where date = %s"
    warehouse.execute(f"{broken} and ip_asset_id is not null and project_id is not null", late)
    result = warehouse.dbt("test", "--select", test)
    warehouse.execute("delete from intermediate.int_entity_days where date = %s", late)
    assert not result.success
    assert "FAIL" in messages(result).upper()


def test_known_visitors_are_looked_up_and_not_read(warehouse: Warehouse, day: date) -> None:
    """The cost of a day is that of its visitors, however many are known."""
    warehouse.run_marts(day)
    with warehouse.connect() as connection:
        connection.execute("begin")
        connection.execute(
            "insert into marts.visitors select max + i, 'known ' || i from"
            " generate_series(1, 200000) as i, (select max(visitor_number) from marts.visitors)"
        )
        connection.execute("analyze marts.visitors")
        for name in SETS:
            query = f"explain {warehouse.compiled(name)}".encode()
            plan = [line for (line,) in connection.execute(query)]
            assert any("Index" in line and "visitors_visitor_id" in line for line in plan), plan
            assert not any("Seq Scan on visitors" in line for line in plan), plan
        connection.execute("rollback")
