"""The list of bots changes: known agents are classified again, and their built days built again."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from eventmill.core.database import database_url
from eventmill.core.enrichment import bots, user_agents
from tests.enrichment import store_user_agents
from tests.orchestration.pretended import build, make_marts
from tests.support import environment, rows, scalar

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
NEWCOMER = "Mozilla/5.0 (X11; Linux x86_64) Newcomer/1.0"
KNOWN_DAYS = ("2020-01-30", "2020-01-31", "2020-02-01", "2020-03-05")
UNBUILT_DAY = "2020-03-06"


@pytest.fixture
def more_bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list with a row more, as a process that starts now would read it."""
    changed = tmp_path / "bots.csv"
    changed.write_text(bots.BOTS_FILE.read_text() + "Newcomer,eventmill,\n")
    monkeypatch.setattr(bots, "BOTS_FILE", changed)
    bots.bots_hash.cache_clear()
    bots._parser.cache_clear()
    monkeypatch.setattr(user_agents, "PARSER_VERSION", f"1+{bots.bots_hash()}+test")
    yield
    monkeypatch.undo()
    bots.bots_hash.cache_clear()
    bots._parser.cache_clear()


@pytest.fixture
def history(connection: psycopg.Connection) -> psycopg.Connection:
    """Five days with events of a person and a newcomer, four of them built."""
    store_user_agents(connection, [PERSON, NEWCOMER])
    for day in (*KNOWN_DAYS, UNBUILT_DAY, "2020-04-01"):
        connection.execute("select raw.ensure_partition(%s)", (day,))
        agents = [PERSON] if day == "2020-04-01" else [PERSON, NEWCOMER]
        for agent in agents:
            connection.execute(
                "insert into raw.events (event_id, occurred_at, event_type, visitor_id, user_agent)"
                " values (gen_random_uuid(), %s::date at time zone 'UTC', 'page_viewed', 'v', %s)",
                (day, agent),
            )
    make_marts(connection)
    for day in (*KNOWN_DAYS, "2020-04-01"):
        build(connection, date.fromisoformat(day))
    return connection


def classify(day: str) -> dict[str, object]:
    from orchestration.defs.enrichment import assets

    result = dg.materialize(
        [assets.user_agents], partition_key=day, instance=dg.DagsterInstance.ephemeral()
    )
    (materialization,) = result.asset_materializations_for_node("user_agents")
    return {name: value.value for name, value in materialization.metadata.items()}


def asked(connection: psycopg.Connection) -> list[str]:
    days = rows(connection, "select day::text from enrichment.days_to_rebuild order by 1")
    return [day for (day,) in days]


def requests() -> list[list[str]]:
    from orchestration.defs.building.rebuild_days import rebuild_days
    from orchestration.partitions import RANGE_END, RANGE_START

    with environment(EVENTMILL_DATABASE_URL=database_url(), EVENTMILL_REBUILD_MINUTES="0"):
        tick = rebuild_days.evaluate_tick(
            dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral())
        )
    return [[r.tags[RANGE_START], r.tags[RANGE_END]] for r in tick.run_requests or []]


def is_bot(connection: psycopg.Connection, agent: str) -> bool:
    return bool(
        scalar(connection, "select is_bot from enrichment.user_agents where user_agent = %s", agent)
    )


def test_an_unchanged_list_asks_for_nothing(history: psycopg.Connection) -> None:
    assert classify("2020-04-01")["rows"] == 0
    assert asked(history) == []
    assert requests() == []


def test_a_changed_list_classifies_all_known_agents_and_asks_for_their_built_days(
    history: psycopg.Connection, more_bots: None
) -> None:
    assert not is_bot(history, NEWCOMER)
    # Any run does: this one is of a day that the newcomer never came on.
    said = classify("2020-04-01")
    assert is_bot(history, NEWCOMER)
    assert not is_bot(history, PERSON)
    assert scalar(history, "select count(distinct parser_version) from enrichment.user_agents") == 1
    assert asked(history) == list(KNOWN_DAYS)
    assert (said["became or ceased to be bots"], said["days to rebuild"]) == (1, 4)
    assert requests() == [
        ["2020-03-05", "2020-03-05"],
        ["2020-01-30", "2020-02-01"],
    ]
    # A build that comes later meets it.
    build(history, date(2020, 1, 30), date(2020, 2, 1))
    assert requests() == [["2020-03-05", "2020-03-05"]]
    build(history, date(2020, 3, 5))
    assert requests() == []
    assert asked(history) == []
    assert classify("2020-04-01")["rows"] == 0


def test_a_first_run_needs_no_builds(connection: psycopg.Connection, more_bots: None) -> None:
    store_user_agents(connection, [NEWCOMER])
    connection.execute("update enrichment.user_agents set parser_version = '0', is_bot = false")
    assert classify("2020-04-01")["days to rebuild"] == 0
    assert is_bot(connection, NEWCOMER)
    assert requests() == []


def test_numbers_of_history_follow_the_list(
    home: Path, connection: psycopg.Connection, request: pytest.FixtureRequest
) -> None:
    """Real runs: two days are built, the list changes, the next build has them built again."""
    from eventmill.core.days import DayWindow
    from orchestration.backfill import run_backfill
    from orchestration.instance import prepare_instance

    prepare_instance()
    days = [date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)]
    for day in days:
        connection.execute("select raw.ensure_partition(%s)", (day,))
        for agent in (PERSON, NEWCOMER):
            connection.execute(
                "insert into raw.events (event_id, occurred_at, event_type, visitor_id, user_agent)"
                " values (gen_random_uuid(), %s::date at time zone 'UTC', 'page_viewed', %s, %s)",
                (day, agent, agent),
            )
    assert run_backfill(DayWindow(days[0], days[1])).errors == []
    people = "select unique_visitors from marts.daily_metrics order by date"
    assert rows(connection, people) == [(2,), (2,)]

    request.getfixturevalue("more_bots")
    assert run_backfill(DayWindow(days[2], days[2])).errors == []
    assert rows(connection, people) == [(2,), (2,), (1,)]
    # The sensor asks for what the new list changed, and not for the day that was built with it.
    [(first, last)] = requests()
    assert (first, last) == ("2024-05-01", "2024-05-02")
    window = DayWindow(date.fromisoformat(first), date.fromisoformat(last))
    assert run_backfill(window).errors == []
    assert rows(connection, people) == [(1,), (1,), (1,)]
    assert rows(connection, "select distinct bot_events from marts.daily_builds") == [(1,)]
    assert requests() == []
