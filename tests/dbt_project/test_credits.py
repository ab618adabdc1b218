"""Credits against plain loops, and the same tables however the days were built."""

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project import streams
from tests.dbt_project.sessions_by_hand import Credit, credits_of, moment, origin, sessions_of
from tests.dbt_project.warehouse import Event, Warehouse

ONE = timedelta(days=1)
LAST = timedelta(days=streams.DAYS)
CREDITS = """
select conversion_id, model, touch_number, touched_at, reached_by, source, medium, campaign, credit,
       amount_cents, currency, revenue_cents
from marts.conversion_credits
where occurred_at >= %s and occurred_at < %s
"""


@streams.few_builds
def test_credits_are_what_plain_loops_say(warehouse: Warehouse, seed: int) -> None:
    built = streams.built(warehouse, seed)
    expected = [
        row_of(credit)
        for visitor, events in built.visitors.items()
        for credit in credits_of(events, cents_of(events), built.claim(visitor))
    ]
    assert {row[4] for row in expected} == {"same", "verified", "claimed"}
    found = warehouse.rows(CREDITS, built.day, built.day + LAST)
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    check_conserved(found)


def cents_of(events: list[Event]) -> dict[str, int]:
    return {str(e.event_id): json.loads(e.props).get("revenue_cents", 0) for e in events}


def row_of(credit: Credit) -> tuple[Any, ...]:
    currency = json.loads(credit.conversion.props)["currency"]
    share = credit.credit
    return (
        credit.conversion.event_id,
        credit.model,
        credit.touch_number,
        moment(credit.touch),
        credit.reached_by,
        *origin(credit.touch),
        Decimal(share.numerator) * 10**10 / share.denominator * Decimal("1e-10"),
        credit.cents,
        currency,
        credit.cents if currency == "USD" else 0,
    )


def check_conserved(rows: list[tuple[Any, ...]]) -> None:
    shares: dict[tuple[Any, str], Decimal] = defaultdict(Decimal)
    for conversion, model, *_, credit, _amount, _currency, _revenue in rows:
        shares[conversion, model] += credit
    assert set(shares.values()) <= {Decimal(1)}


def empty(warehouse: Warehouse, day: date) -> None:
    warehouse.execute(
        "delete from raw.events where occurred_at >= %s and occurred_at < %s", day, day + 10 * ONE
    )
    warehouse.execute("delete from raw.identities")


@pytest.fixture
def visitors(warehouse: Warehouse, day: date) -> dict[str, list[Event]]:
    """A few hundred events of eight days, with sessions over midnight and many conversions."""
    empty(warehouse, day)
    draw = random.Random(7)
    made = []
    for number in range(25):
        at = draw.randrange(2 * streams.DAY)
        while at < streams.DAYS * streams.DAY:
            is_mail = draw.random() < 0.3
            kinds = ["page_viewed", "asset_viewed", "license_created"]
            kind = draw.choice(kinds)
            made.append(
                Event(
                    day + at // streams.DAY * ONE,
                    kind,
                    f"{day}-{number}",
                    at=at % streams.DAY,
                    session_id=draw.choice([None, "s", f"s{at // streams.DAY}"]),
                    utm_source="mail" if is_mail else None,
                    utm_campaign=draw.choice(["a", "b"]) if is_mail else None,
                    props=json.dumps({"revenue_cents": draw.randrange(10_000)}),
                )
            )
            at += draw.choice([streams.MINUTE, 20 * streams.MINUTE, 9 * streams.HOUR])
    warehouse.insert(made)
    found = defaultdict(list)
    for event in made:
        found[event.visitor_id].append(event)
    return found


def test_any_order_of_builds_gives_the_same_tables(
    warehouse: Warehouse, day: date, visitors: dict[str, list[Event]]
) -> None:
    """One by one in random order, all at once, again, and from nothing."""
    days = [day + n * ONE for n in range(streams.DAYS + 1)]
    assert len({e.event_id for events in visitors.values() for e in events}) > 300
    assert any(
        session[0].day != session[-1].day
        for events in visitors.values()
        for _, session in sessions_of(events)
    )
    shuffled = random.Random(1).sample(days, len(days))
    for one in shuffled:
        streams.build(warehouse, one, one)
    one_by_one = streams.contents(warehouse, days[0], days[-1])
    assert all(one_by_one.values())

    forget(warehouse, days)
    streams.build(warehouse, days[0], days[-1])
    assert streams.contents(warehouse, days[0], days[-1]) == one_by_one

    streams.build(warehouse, days[2], days[4])
    assert streams.contents(warehouse, days[0], days[-1]) == one_by_one


def test_late_events_and_deletions_need_only_the_days_around_them(
    warehouse: Warehouse, day: date, visitors: dict[str, list[Event]]
) -> None:
    """A change of day X needs X - 1 to X + 2; the conversions after them are credited anew."""
    days = [day + n * ONE for n in range(streams.DAYS + 1)]
    streams.build(warehouse, days[0], days[-1])
    before = streams.contents(warehouse, days[0], days[-1])

    visitor = next(iter(visitors))
    late = [
        Event(days[2], visitor_id=visitor, at=1, utm_source="late"),
        Event(days[2], visitor_id=visitor, at=streams.DAY - 1, utm_source="later"),
        Event(days[2], "license_created", visitor, at=streams.HOUR, props='{"revenue_cents": 5}'),
    ]
    warehouse.insert(late)
    gone = [e.event_id for events in visitors.values() for e in events if e.day == days[2]][::3]
    assert warehouse.execute("delete from raw.events where event_id = any(%s)", gone) == len(gone)
    streams.build(warehouse, days[1], days[4])
    healed = streams.contents(warehouse, days[0], days[-1])

    forget(warehouse, days)
    streams.build(warehouse, days[0], days[-1])
    assert streams.contents(warehouse, days[0], days[-1]) == healed
    assert (
        healed["intermediate.int_conversion_credits"]
        != (before["intermediate.int_conversion_credits"])
    )


def forget(warehouse: Warehouse, days: list[date]) -> None:
    """Take the days out of the tables, as if they had never been built."""
    for table, column in streams.TABLES.items():
        warehouse.execute(
            f"delete from {table} where {column} >= %s and {column} < %s",
            str(days[0]),
            str(days[-1] + ONE),
        )
