"""Real runs: a built day gets late events and more; the sensor has it built, and it can explain."""

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import dagster as dg
import psycopg
import pytest

from eventmill.core.database import connect, database_url
from eventmill.core.days import DayWindow
from tests.orchestration.pretended import touch
from tests.orchestration.support import CRAWLER, add_event, platform_views
from tests.support import environment, rows, run_eventmill, scalar

DAY = date(2024, 3, 10)
OTHER = DAY + timedelta(days=1)
GONE = uuid4()


def sensor_tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    from orchestration.defs.building.rebuild_days import rebuild_days

    with environment(EVENTMILL_DATABASE_URL=database_url(), EVENTMILL_REBUILD_MINUTES="0"):
        tick = rebuild_days.evaluate_tick(dg.build_sensor_context(instance=instance))
    return list(tick.run_requests or [])


@pytest.fixture(scope="module")
def late(instance: dg.DagsterInstance, warehouse: psycopg.Connection) -> UUID:
    """A day is built; then everything that can change a number happens to it. The late event."""
    from orchestration.backfill import run_backfill

    for day in (DAY, OTHER):
        add_event(warehouse, day, visitor_id="v", event_type="license_created")
        add_event(warehouse, day, visitor_id="crawler", user_agent=CRAWLER)
        add_event(warehouse, day, visitor_id="ann", actor_type="user", actor_id="ann")
    add_event(warehouse, DAY, visitor_id="anon", anonymous_id="anon")
    add_event(warehouse, DAY, visitor_id="gone", ip_asset_id="lost", event_id=GONE)
    assert run_backfill(DayWindow(DAY, OTHER)).errors == []

    event = uuid4()
    add_event(warehouse, DAY, visitor_id="late", event_id=event, ip_asset_id="asset")
    add_event(warehouse, DAY, visitor_id="late", ip_asset_id="fresh")
    touch(warehouse, DAY, 2)
    warehouse.execute("delete from raw.events where event_id = %s", [GONE])
    warehouse.execute("insert into raw.identities values ('anon', 'ann', true, now())")
    # As if the first build had used other rules.
    warehouse.execute(
        "update marts.build_receipts set definition = 'former', parser_version = '1+former'"
    )
    return event


@pytest.fixture(scope="module")
def run(instance: dg.DagsterInstance, late: UUID) -> dg.ExecuteInProcessResult:
    """The run that the sensor asks for."""
    from orchestration.definitions import defs

    (request,) = sensor_tick(instance)
    result = (
        defs()
        .resolve_job_def("build_days")
        .execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
    )
    assert result.success
    return result


def test_the_run_says_why(instance: dg.DagsterInstance, run: dg.ExecuteInProcessResult) -> None:
    from orchestration.tags import REASON_TAG

    why = f"2 late events on {DAY}, received {datetime.now(UTC).date()}"
    assert run.dagster_run.tags[REASON_TAG] == why
    log = [entry.user_message for entry in instance.all_logs(run.run_id)]
    assert f"why: {why}" in log
    (built,) = [
        event
        for event in run.asset_materializations_for_node("dbt_models")
        if event.asset_key == dg.AssetKey("build_receipts")
    ]
    assert built.partition == str(DAY)
    assert built.metadata["why"].value == f"2 late events, received {datetime.now(UTC).date()}"


def test_the_day_is_healed_and_waits_no_more(
    instance: dg.DagsterInstance, warehouse: psycopg.Connection, run: dg.ExecuteInProcessResult
) -> None:
    assert platform_views(warehouse)[DAY] == 4  # ann, anon, and two late ones
    assert scalar(warehouse, "select count(*) from raw.touched_days") == 0
    assert sensor_tick(instance) == []


def test_each_build_has_its_receipt(
    warehouse: psycopg.Connection, run: dg.ExecuteInProcessResult
) -> None:
    found = rows(
        warehouse,
        "select date, events, counted, bot_events, duplicates, conversions, late > 0,"
        " build_id is not null, watermark < built_at from marts.build_receipts"
        " order by built_at, date",
    )
    assert found == [
        (DAY, 5, 4, 1, 0, 1, True, True, True),
        (OTHER, 3, 2, 1, 0, 1, True, True, True),
        (DAY, 6, 5, 1, 0, 1, True, True, True),
    ]
    assert rows(warehouse, "select date, events from marts.daily_builds order by 1") == [
        (DAY, 6),
        (OTHER, 3),
    ]
    assert rows(
        warehouse, "select run_id, chunk, chunks, failed_at from enrichment.builds order by 1"
    )[-1][1:] == (1, 1, None)


def test_what_changed_keeps_its_old_values_and_nothing_else(
    warehouse: psycopg.Connection, run: dg.ExecuteInProcessResult
) -> None:
    assert rows(
        warehouse,
        "select date, ip_asset_id, views, unique_visitors, bot_events, was_removed, definition,"
        " build_id <> replaced_by from marts.metric_changes order by 2 nulls first",
    ) == [
        (DAY, None, 3, 4, 1, False, "former", True),
        (DAY, "asset", 2, 3, 1, False, "former", True),
        (DAY, "lost", 1, 1, 0, True, "former", True),
    ]


@pytest.fixture(scope="module")
def explained(run: dg.ExecuteInProcessResult, late: UUID) -> Iterator[Any]:
    """`explained(asset, metric=…)`: the explanation of DAY's row of an asset."""
    from orchestration.explained.explanation import explanation
    from orchestration.explained.question import Question

    with connect(autocommit=True) as connection:
        yield lambda asset=None, metric=None, day=DAY: explanation(
            Question(connection, day, {"ip_asset_id": asset} if asset else {}, metric), 5
        )


def test_a_number_tells_its_definition_and_events(explained: Any) -> None:
    found = explained("asset", "views")
    assert found["numbers"] == {"views": 3}
    assert found["receipt"]["events"] == 6
    assert found["definitions"]["views"]["sql_expression"].startswith("sum(")
    assert found["events"]["by_type"] == {"asset_viewed": 3}
    assert found["events"]["bots_left_out"] == {"events": 1, "user_agents": 1}
    assert len(found["events"]["first"]) == 3
    assert explained("asset", "conversions")["events"]["by_type"] == {"license_created": 1}


def causes(found: Any) -> dict[str, Any]:
    (change,) = found["changes"]
    return {cause.pop("cause"): cause for cause in change["causes"]}


def test_a_changed_number_tells_each_cause(explained: Any, late: UUID) -> None:
    from eventmill.core.enrichment.user_agents import PARSER_VERSION

    found = explained("asset")
    (change,) = found["changes"]
    assert change["changed"] == {"views": [2, 3]}
    why = causes(found)
    assert why["definition"] == {"old": "former", "new": found["receipt"]["definition"]}
    assert (why["late events"]["events"], why["late events"]["event_ids"]) == (1, [str(late)])
    assert why["events deleted"] == {"events": 1}
    assert (why["bots"]["old"], why["bots"]["new"]) == ("1+former", PARSER_VERSION)
    assert why["identity links"]["first"] == [{"anonymous_id": "anon", "user_id": "ann"}]


def test_rows_that_came_and_went_are_changes_too(explained: Any) -> None:
    (change,) = explained("fresh")["changes"]
    assert change["changed"]["views"] == [0, 1]
    (change,) = explained("lost")["changes"]
    assert change["changed"]["views"] == [1, 0]
    assert explained("asset", day=OTHER)["changes"] == []


def test_the_command_prints_it(run: dg.ExecuteInProcessResult, explained: Any, late: UUID) -> None:
    from orchestration.explained.text import text

    asked = ("explain", "daily_metrics", "--date", str(DAY), "--asset", "asset")
    answer = run_eventmill(*asked, "--json", "--metric", "views")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["numbers"] == {"views": 3}
    found = explained("asset")
    said = "\n".join(text(found))
    assert f"daily_metrics of ip_asset_id asset on {DAY} (UTC)" in said
    assert "because the definition changed from former to" in said
    assert f"because 1 event came late, received {datetime.now(UTC).date()}" in said
    assert f": {late}" in said
    assert "because 1 event of the day was deleted" in said
    assert "because the list of bots changed from 1+former" in said
    assert "because visitors turned out to be users (1): anon is ann" in said
    assert "left out: 1 of bots (1 user agents)" in said
    listing = shlex.split(found["events"]["list_all"])[-1]
    assert run_eventmill("psql", "--", "-At", "-c", listing).stdout


def test_a_day_that_is_not_built_is_explained_from_its_events(
    warehouse: psycopg.Connection, explained: Any
) -> None:
    from orchestration.explained.text import text

    unbuilt = DAY + timedelta(days=5)
    moment = datetime.combine(unbuilt, time(1), tzinfo=UTC)
    add_event(warehouse, unbuilt, ip_asset_id="asset", occurred_at=moment)
    found = explained("asset", day=unbuilt)
    assert not found["is_built"]
    assert found["numbers"]["views"] == 1
    assert "Not built: counted from the events of this moment" in "\n".join(text(found))
