"""What a late event, a new link or a failed build makes wait, and that nothing else does."""

from datetime import UTC, date, datetime, time, timedelta

import dagster as dg
import psycopg
import pytest

from eventmill.core.database import connect, database_url
from eventmill.core.days import utc_today
from tests.orchestration.pretended import build, building, make_marts, touch
from tests.orchestration.support import add_event
from tests.support import environment, rows, scalar

DAY = date(2024, 3, 10)
ONE = timedelta(days=1)


@pytest.fixture
def history(connection: psycopg.Connection) -> psycopg.Connection:
    """Twenty days with an event each, built."""
    make_marts(connection)
    for number in range(20):
        add_event(connection, DAY + number * ONE)
    build(connection, DAY, DAY + 19 * ONE)
    return connection


def late(connection: psycopg.Connection, day: date, visitor: str = "late") -> None:
    add_event(connection, day, visitor_id=visitor)
    touch(connection, day)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def asked(instance: dg.DagsterInstance, minutes: int = 0) -> list[tuple[str, str, str]]:
    """First day, last day and reason of each run that the sensor asks for."""
    from orchestration.defs.building.rebuild_days import rebuild_days
    from orchestration.partitions import RANGE_END, RANGE_START
    from orchestration.tags import REASON_TAG

    with environment(EVENTMILL_DATABASE_URL=database_url(), EVENTMILL_REBUILD_MINUTES=str(minutes)):
        tick = rebuild_days.evaluate_tick(dg.build_sensor_context(instance=instance))
    return [
        (r.tags[RANGE_START], r.tags[RANGE_END], r.tags[REASON_TAG])
        for r in tick.run_requests or []
    ]


@pytest.fixture(scope="module")
def nothing_runs() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def noted(connection: psycopg.Connection) -> list[date]:
    days = rows(connection, "select day from enrichment.days_to_rebuild order by day")
    return [day for (day,) in days]


def test_built_days_are_not_asked_for(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    assert asked(nothing_runs) == []


def test_exactly_the_touched_days_are_asked_for_and_the_run_says_why(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    late(history, DAY)
    late(history, DAY)
    late(history, DAY + 5 * ONE)
    late(history, DAY - 40 * ONE)
    late(history, utc_today())
    today = utc_today()
    assert asked(nothing_runs) == [
        ("2024-03-15", "2024-03-15", f"1 late event on 2024-03-15, received {today}"),
        ("2024-03-10", "2024-03-10", f"2 late events on 2024-03-10, received {today}"),
        ("2024-01-30", "2024-01-30", "not built: 2024-01-30"),
    ]
    assert asked(nothing_runs, minutes=5) == [], "built a moment ago, or not settled"


def test_many_late_days_make_no_long_queue(history: psycopg.Connection) -> None:
    """Somebody tells of each second day of a month: a day that is late tomorrow comes before."""
    from orchestration.defs.building.rebuild_days import MOST_RUNS
    from orchestration.tags import REBUILD_TAG

    days = [DAY + 2 * number * ONE for number in range(15)]
    for day in days:
        late(history, day)
    with dg.DagsterInstance.ephemeral() as instance:
        first = [day for day, *_ in asked(instance)]
        assert first == [str(day) for day in days[: -MOST_RUNS - 1 : -1]]
        for _ in range(MOST_RUNS):
            status = dg.DagsterRunStatus.STARTED
            instance.add_run(dg.DagsterRun("build_days", tags={REBUILD_TAG: "yes"}, status=status))
        assert asked(instance) == []


def test_what_a_build_saw_is_met_and_what_came_meanwhile_is_not(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    """An event is committed by a transaction that began before the build's snapshot."""
    late(history, DAY)
    from orchestration.building import receipts

    with connect(database_url()) as slow:
        late(slow, DAY, "slow")
        with building(history, DAY, DAY) as begun:
            slow.commit()
            receipts.finish(history, begun)  # type: ignore[arg-type]
    [(writer_rows,)] = rows(history, "select count(*) from raw.touched_days")
    assert writer_rows == 1
    assert [days for *days, _ in asked(nothing_runs)] == [[str(DAY), str(DAY)]]


def test_a_day_that_a_run_is_about_to_build_is_not_asked_for(history: psycopg.Connection) -> None:
    from eventmill.core.days import DayWindow
    from orchestration.partitions import range_tags

    late(history, DAY)
    late(history, DAY + 5 * ONE)
    with dg.DagsterInstance.ephemeral() as instance:
        tags = range_tags(DayWindow(DAY - ONE, DAY + ONE))
        status = dg.DagsterRunStatus.STARTING
        instance.add_run(dg.DagsterRun(job_name="build_days", tags=tags, status=status))
        assert [first for first, *_ in asked(instance)] == ["2024-03-15"]
        failed = dg.DagsterRun(
            job_name="build_days",
            tags=range_tags(DayWindow(DAY + 5 * ONE, DAY + 5 * ONE)),
            status=dg.DagsterRunStatus.FAILURE,
        )
        instance.add_run(failed)
        assert asked(instance) == [], "it failed a moment ago"


def test_a_day_whose_build_failed_is_not_built_and_asked_for(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    from orchestration.building import receipts

    count = "select count(*) from marts.daily_builds where date = %s"
    with building(history, DAY, DAY) as begun:
        assert scalar(history, "select enrichment.current_build()") == begun.build_id  # type: ignore[attr-defined]
        history.execute(
            "insert into enrichment.replaced_days select %s, 'm', enrichment.current_build()", [DAY]
        )
        receipts.fail(history, begun, "no")  # type: ignore[arg-type]
    assert scalar(history, "select enrichment.current_build()") is None
    assert scalar(history, count, DAY) == 0
    assert asked(nothing_runs) == [(str(DAY), str(DAY), f"its last build did not succeed on {DAY}")]
    build(history, DAY)
    assert scalar(history, count, DAY) == 1
    assert asked(nothing_runs) == []


def test_a_killed_build_is_noticed_by_the_next(history: psycopg.Connection) -> None:
    with building(history, DAY, DAY):
        pass
    build(history, DAY + ONE)
    assert rows(
        history, "select first_day, error from enrichment.builds where failed_at is not null"
    ) == [(DAY, "its process was killed, or lost the database")]


def test_a_late_event_concerns_the_sessions_of_its_visitor(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    x = DAY + 5 * ONE
    for gap in (-2, -1, 0, 1, 2, 3):
        history.execute("insert into marts.sessions values ('late', %s)", [noon(x + gap * ONE)])
    history.execute("insert into marts.sessions values ('other', %s)", [noon(x + 3 * ONE)])
    late(history, x)
    build(history, x)
    assert noted(history) == [x - ONE, x + ONE, x + 2 * ONE]
    why = f"sessions of visitors with late events on {x}"
    assert asked(nothing_runs) == [
        (str(x + ONE), str(x + 2 * ONE), f"{why} on 2 days from {x + ONE} to {x + 2 * ONE}"),
        (str(x - ONE), str(x - ONE), f"{why} on {x - ONE}"),
    ]
    build(history, x - ONE)
    build(history, x + ONE, x + 2 * ONE)
    assert noted(history) == []
    assert asked(nothing_runs) == []


def test_deleted_events_have_their_day_built_again(
    history: psycopg.Connection, nothing_runs: dg.DagsterInstance
) -> None:
    late(history, DAY)
    build(history, DAY)
    assert asked(nothing_runs) == []
    history.execute("delete from raw.events where visitor_id = 'late'")
    assert asked(nothing_runs) == [(str(DAY), str(DAY), f"events were deleted on {DAY}")]
    build(history, DAY)
    assert asked(nothing_runs) == []


def test_a_build_that_had_the_event_already_is_not_repeated(history: psycopg.Connection) -> None:
    x = DAY + 5 * ONE
    history.execute("insert into marts.sessions values ('late', %s)", [noon(x + ONE)])
    late(history, x)
    build(history, x + ONE)
    build(history, x)
    assert noted(history) == []


def test_new_links_are_noted_once_a_night_for_the_days_of_their_events(
    connection: psycopg.Connection,
) -> None:
    from orchestration.rebuilding.identities import note_links

    make_marts(connection)
    days = [utc_today() - number * ONE for number in (2, 5, 6, 40)]
    for day in days:
        add_event(connection, day, anonymous_id="a", visitor_id="a")
        add_event(connection, day, anonymous_id="b", visitor_id="b")
    for day in days:
        build(connection, day)
    connection.execute("insert into marts.sessions values ('u', %s)", [noon(days[0] - ONE)])
    assert note_links(connection) == (0, [])
    link = (
        "insert into raw.identities values ('a', %s, true, now()) on conflict (anonymous_id)"
        " do update set user_id = excluded.user_id"
    )
    connection.execute(link, ["u"])
    build(connection, days[1])  # has the link
    # 40 days ago is too long ago, and nobody built the day of the session.
    assert note_links(connection) == (1, [days[2], days[0]])
    assert note_links(connection) == (0, [])
    connection.execute(link, ["u"])
    assert note_links(connection) == (0, []), "nothing changed"
    connection.execute(link, ["w"])
    assert note_links(connection)[0] == 1
