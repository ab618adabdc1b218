"""The registry of event types, as dbt reads it from the database."""

from datetime import date, timedelta

from tests.dbt_project.warehouse import Event, Warehouse, messages

TEST = "event_types_are_registered"


def check(warehouse: Warehouse, day: date) -> str:
    """What dbt's test says of the events of one day; "" if it passes."""
    warehouse.manifest()
    result = warehouse.dbt(
        "build", "--select", TEST, "--event-time-start", day.isoformat(),
        "--event-time-end", (day + timedelta(days=1)).isoformat(),
    )  # fmt: skip
    assert result.result is not None, result.exception
    return messages(result).strip()


def test_every_event_type_of_the_built_days_is_registered(warehouse: Warehouse, day: date) -> None:
    warehouse.insert([Event(day, "page_viewed"), Event(day + timedelta(days=1), "made_up")])
    assert check(warehouse, day) == ""
    assert "Got 1 result" in check(warehouse, day + timedelta(days=1))


def test_a_type_that_left_the_plan_stays_registered(warehouse: Warehouse, day: date) -> None:
    warehouse.insert([Event(day, "webhook_delivered")])
    removed = "update raw.tracking_plan set removed_at = {} where event_type = 'webhook_delivered'"
    warehouse.execute(removed.format("now()"))
    try:
        assert check(warehouse, day) == ""
    finally:
        warehouse.execute(removed.format("null"))
    assert warehouse.rows(
        "select count(*) from raw.tracking_plan where removed_at is not null"
    ) == [(0,)]


def test_the_seed_of_bots_is_built(warehouse: Warehouse) -> None:
    [(patterns, sources)] = warehouse.rows(
        "select count(distinct pattern), array_agg(distinct source order by source) from seeds.bots"
    )
    assert patterns > 1_400
    assert sources == ["crawler-user-agents", "eventmill"]
