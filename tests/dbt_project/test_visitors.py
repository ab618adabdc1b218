"""Somebody who logs in is one visitor, also on the days before."""

from datetime import date, timedelta
from typing import Any

from tests.dbt_project.warehouse import Event, Warehouse, messages

UNIQUES = """
select unique_visitors from marts.daily_metrics
where date = %s and ip_asset_id = 'a' and project_id is null
"""
LINK = "insert into raw.identities values (%s, %s, %s, now())"


def seen(day: date, **fields: Any) -> Event:
    visitor = fields.get("actor_id") or fields.get("anonymous_id") or "a hash"
    return Event(day, "asset_viewed", visitor_id=visitor, ip_asset_id="a", **fields)


def test_before_and_after_logging_in(warehouse: Warehouse, day: date) -> None:
    next_day = day + timedelta(days=1)
    me, her, browser = (f"{name}-{day}" for name in ("me", "her", "browser"))
    warehouse.insert(
        [
            seen(day, anonymous_id=browser),
            seen(day, anonymous_id=browser, actor_id=me),
            seen(day, actor_id=me),
            seen(day, anonymous_id=f"other-{day}"),
            seen(day),
            seen(next_day, anonymous_id=browser),
            seen(next_day, anonymous_id=browser, actor_id=her),
        ]
    )
    warehouse.run_marts(day, next_day)
    assert warehouse.rows(UNIQUES, day) == [(4,)]
    warehouse.execute(LINK, browser, me, True)
    warehouse.run_marts(day, next_day)
    assert warehouse.rows(UNIQUES, day) == [(3,)]
    # Who logs in on somebody else's browser is somebody else.
    assert warehouse.rows(UNIQUES, next_day) == [(2,)]
    attributed = "select distinct visitor_id from marts.attribution where occurred_at >= %s"
    assert {me, her} <= {visitor for (visitor,) in warehouse.rows(attributed, day)}
    assert (f"anon:{browser}",) not in warehouse.rows(attributed, day)


def test_the_definition_holds(warehouse: Warehouse) -> None:
    """The unit tests of int_events, who_a_visitor_is among them."""
    result = warehouse.dbt("test", "--select", "int_events,test_type:unit")
    assert result.success, messages(result)
    assert "who_a_visitor_is" in [one.node.name for one in result.result.results]  # type: ignore[union-attr]


def test_the_planner_does_not_look_ids_up_for_nothing(warehouse: Warehouse) -> None:
    plan = warehouse.rows("explain select sum(views) from intermediate.int_events")
    assert not [line for (line,) in plan if "identities" in line]
