"""A build replaces its days, all of them and nothing else."""

import threading
from datetime import date, timedelta

import psycopg
import pytest

from tests.dbt_project.conftest import BOT, BROWSER
from tests.dbt_project.warehouse import MARTS, Event, Warehouse, messages

ONE = timedelta(days=1)


def busy_day(day: date) -> list[Event]:
    last = 24 * 60 * 60 * 1_000_000 - 1
    return [
        Event(day, "asset_viewed", "ann", ip_asset_id="a", user_agent=BROWSER, at=0),
        Event(day, "asset_viewed", "bob", ip_asset_id="b", project_id="p", at=1),
        Event(day, "asset_viewed", "bot", ip_asset_id="b", user_agent=BOT, at=2),
        Event(day, "license_created", "bob", license_id="l", props='{"revenue_cents": 5}', at=last),
    ]


def test_deleted_events_vanish_from_both_marts(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    assert totals(warehouse, day, "ip_asset_id = 'b'") == (1, 0)
    gone = "delete from raw.events where ip_asset_id = 'b' and occurred_at::date = %s"
    assert warehouse.execute(gone, day) == 2
    warehouse.run_marts(day)

    assert warehouse.rows(
        "select visitor_id from marts.attribution where occurred_at >= %s and occurred_at < %s"
        " order by 1",
        day,
        day + ONE,
    ) == [("hash:ann",), ("hash:bob",)]
    assert not warehouse.rows(
        "select from marts.daily_metrics where date = %s"
        " and (ip_asset_id = 'b' or project_id = 'p')",
        day,
    )
    assert totals(warehouse, day) == (1, 5)


def test_a_day_left_empty_has_a_receipt_and_no_rows(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    assert receipt(warehouse, day) == [(4, 1)]
    warehouse.execute("delete from raw.events where occurred_at::date = %s", day)
    warehouse.run_marts(day)
    assert receipt(warehouse, day) == [(0, 0)]
    assert not warehouse.table("daily_metrics", f"date = '{day}'")
    assert not warehouse.table("attribution", f"occurred_at::date = '{day}'")


def test_a_rebuilt_range_changes_nothing_else(warehouse: Warehouse, day: date) -> None:
    days = [day + n * ONE for n in range(4)]
    for one in days:
        warehouse.insert(busy_day(one))
    warehouse.run_marts(days[0], days[-1])
    outside = f"< '{days[1]}' or {{0}} >= '{days[3]}'"
    before = {
        mart: warehouse.table(mart, f"{column} {outside.format(column)}")
        for mart, column in zip(MARTS, ("occurred_at", "date", "date"), strict=True)
    }
    numbers = numbers_of(warehouse, days)

    warehouse.run_marts(days[1], days[2])

    for mart, column in zip(MARTS, ("occurred_at", "date", "date"), strict=True):
        assert before[mart] == warehouse.table(mart, f"{column} {outside.format(column)}")
    assert numbers_of(warehouse, days) == numbers


def test_a_rebuild_keeps_created_at_and_moves_updated_at(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    stamps = "select ip_asset_id, created_at, updated_at from marts.daily_metrics where date = %s"
    first = {row[0]: row[1:] for row in warehouse.rows(f"{stamps} and project_id is null", day)}
    warehouse.insert([Event(day, ip_asset_id="new")])
    warehouse.run_marts(day)
    second = {row[0]: row[1:] for row in warehouse.rows(f"{stamps} and project_id is null", day)}

    assert second.keys() - first.keys() == {"new"}
    assert all(second[asset][0] == created for asset, (created, _) in first.items())
    assert all(second[asset][1] > updated for asset, (_, updated) in first.items())
    assert second["new"][0] == second["new"][1]


def test_an_event_that_moved_to_another_day_can_be_built_there_first(
    warehouse: Warehouse, day: date
) -> None:
    event = Event(day, "asset_viewed", ip_asset_id="a")
    warehouse.insert([event])
    warehouse.run_marts(day)
    warehouse.execute("delete from raw.events where event_id = %s", event.event_id)
    warehouse.insert([Event(day + ONE, "asset_viewed", event_id=event.event_id)])
    warehouse.run_marts(day + ONE)
    warehouse.run_marts(day)
    found = warehouse.rows(
        "select occurred_at::date from marts.attribution where event_id = %s", event.event_id
    )
    assert found == [(day + ONE,)]


def test_readers_never_see_half_a_day(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(event for _ in range(500) for event in busy_day(day))
    warehouse.run_marts(day)
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        with warehouse.connect() as connection:
            while not stop.is_set():
                connection.execute("begin isolation level repeatable read")
                for row in connection.execute(
                    "select (select count(*) from marts.attribution where occurred_at::date = %s),"
                    " (select count(*) from marts.daily_metrics where date = %s)",
                    (day, day),
                ):
                    seen.add(row)
                connection.execute("commit")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            warehouse.run_marts(day)
    finally:
        stop.set()
        reader.join()
    assert seen == {(2000, 6)}


def test_a_full_refresh_keeps_the_other_days(warehouse: Warehouse, day: date) -> None:
    for one in (day, day + ONE):
        warehouse.insert(busy_day(one))
    warehouse.run_marts(day, day + ONE)
    kept = warehouse.table("attribution", f"occurred_at < '{day + ONE}'")
    assert kept
    warehouse.manifest()
    result = warehouse.dbt(
        "run", "--full-refresh", "--select", "attribution",
        "--event-time-start", str(day + ONE), "--event-time-end", str(day + 2 * ONE),
    )  # fmt: skip
    assert result.success, messages(result)
    assert warehouse.table("attribution", f"occurred_at < '{day + ONE}'") == kept


@pytest.mark.parametrize("flag", [["--empty"], ["--sample", "1 day"]])
def test_no_flag_empties_a_built_day(warehouse: Warehouse, day: date, flag: list[str]) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    before = warehouse.table("daily_metrics", f"date = '{day}'")
    assert before
    window = ["--event-time-start", str(day), "--event-time-end", str(day + ONE)]
    result = warehouse.dbt("run", *flag, "--select", "daily_metrics", *window)
    assert not result.success
    said = str(result.exception) + messages(result)
    assert f"{flag[0]} would replace built days of production" in said
    assert warehouse.table("daily_metrics", f"date = '{day}'") == before


def test_views_are_replaced_under_their_readers(warehouse: Warehouse) -> None:
    """dbt's own way drops int_events with the view below it, and with it every live dashboard."""
    oid = "select 'intermediate.int_events'::regclass::oid"
    before = warehouse.rows(oid)
    warehouse.manifest()
    result = warehouse.dbt("run", "--select", "stg_raw__events")
    assert result.success, messages(result)
    assert warehouse.rows(oid) == before


def test_the_database_refuses_a_second_row_of_an_entity(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    with pytest.raises(psycopg.errors.UniqueViolation):
        warehouse.execute(
            "insert into marts.daily_metrics select * from marts.daily_metrics where date = %s", day
        )


def test_a_receipt_comes_after_everything_that_has_days(warehouse: Warehouse) -> None:
    nodes = warehouse.manifest().nodes
    receipt = "model.eventmill.build_receipts"
    before, left = set[str](), [receipt]
    while left:
        parents = nodes[left.pop()].depends_on.nodes
        left += [name for name in parents if name.startswith("model.") and name not in before]
        before |= set(parents)
    replaced = {
        name
        for name, node in nodes.items()
        if node.resource_type == "model" and node.config.materialized == "incremental"
    }
    assert replaced - before - {receipt} == set()


def test_a_receipt_stays_when_the_day_is_built_again(warehouse: Warehouse, day: date) -> None:
    warehouse.insert(busy_day(day))
    warehouse.run_marts(day)
    warehouse.insert([Event(day, ip_asset_id="late")])
    warehouse.run_marts(day)
    kept = "select events, build_id from marts.build_receipts where date = %s order by built_at"
    assert warehouse.rows(kept, day) == [(4, None), (5, None)]
    assert receipt(warehouse, day) == [(5, 1)]
    changed = "select ip_asset_id, was_removed from marts.metric_changes where date = %s"
    assert warehouse.rows(changed, day) == [(None, False)], "the platform has a visitor more"


def totals(warehouse: Warehouse, day: date, where: str = "") -> tuple[int, int]:
    entity = where or "ip_asset_id is null"
    [row] = warehouse.rows(
        "select views, revenue_cents from marts.daily_metrics"
        f" where date = %s and {entity} and project_id is null and license_id is null",
        day,
    )
    return row[0], row[1]


def receipt(warehouse: Warehouse, day: date) -> list[tuple[int, ...]]:
    return warehouse.rows(
        "select events, bot_events from marts.daily_builds where date = %s and built_at <= now()",
        day,
    )


def numbers_of(warehouse: Warehouse, days: list[date]) -> list[tuple[object, ...]]:
    return warehouse.rows(
        "select to_jsonb(m) - 'updated_at' from marts.daily_metrics m where date = any(%s)"
        " union all"
        " select to_jsonb(a) from marts.attribution a where occurred_at::date = any(%s)"
        " order by 1",
        days,
        days,
    )
