"""Two processes of the API on one PostgreSQL forget an answer at once when it changes."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from dashboards_api.invalidation import APPLICATION
from eventmill.core.database import connect
from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller, issue
from eventmill.runner.embedded import EmbeddedPostgres
from tests.dashboards_api.conftest import build
from tests.dashboards_api.processes import (
    ACME,
    ADMIN,
    ANA,
    ASSET,
    PLATFORM,
    SECONDS,
    TOLD,
    WAITING,
    Api,
    event,
    forget,
    running,
    wait_until,
    warm,
)
from tests.dashboards_api.support import Event, insert
from tests.databases import url_of


@pytest.fixture(scope="module")
def both(views_database: str, events: psycopg.Connection) -> Iterator[list[Api]]:
    day = utc_today() - timedelta(days=9)
    upload = Event(
        event_type="asset_uploaded",
        occurred_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        ip_asset_id="a",
        actor_type="creator",
        actor_id="ana",
    )
    insert(events, upload)
    build(day, day + timedelta(days=1))
    with ExitStack() as stack:
        yield [stack.enter_context(running()) for _ in range(2)]


def test_a_second_question_is_answered_from_memory(both: list[Api]) -> None:
    for api in both:
        first = api.get(ASSET, period="30d")
        second = api.get(ASSET, ANA, start=utc_today() - timedelta(days=29), end=utc_today())
        assert [a.json()["meta"]["cached"] for a in (first, second)] == [False, True]
        assert first.json()["totals"] == second.json()["totals"]
        known = api.client.get(
            ASSET,
            headers={
                "Authorization": f"Bearer {issue(ADMIN)}",
                "If-None-Match": first.headers["ETag"],
            },
        )
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["Cache-Control"] == "private, no-cache"
        assert api.get("/v1/assets/nobody's/metrics").headers["Cache-Control"] == (
            "private, no-store"
        )


def test_a_hit_does_not_touch_the_database(both: list[Api], views_database: str) -> None:
    warm(both, ASSET, ANA, period="7d")
    with psycopg.connect(views_database) as locked:
        locked.execute("lock table raw.lifecycle_events, raw.events, intermediate.int_entity_days")
        for api in both:
            assert api.get(ASSET, ANA, period="7d").json()["meta"]["cached"]


def test_a_new_license_is_in_both_processes_at_once(
    both: list[Api], events: psycopg.Connection
) -> None:
    warm(both)
    warm(both, PLATFORM)
    warm(both, ASSET, start="2015-01-01", end="2015-01-02")
    insert(
        events,
        event("license_created", ip_asset_id="a", license_id="l", brand_id="acme"),
    )
    for path in (ASSET, PLATFORM):
        for answer in forget(both, path):
            assert answer["totals"]["conversions"] == 1
    for api in both:
        assert api.get(ASSET, ACME).status_code == 200


def test_the_end_of_a_license_that_names_only_the_license_shuts_the_brand_out(
    both: list[Api], events: psycopg.Connection
) -> None:
    insert(events, event("license_created", ip_asset_id="a", license_id="m", brand_id="gone"))
    gone = Caller("user-8", "brand", "gone")
    warm(both, caller=gone)
    insert(events, event("license_expired", license_id="m"))
    for api in both:
        wait_until(partial(_is_shut_out, api, ASSET, gone))


def test_an_asset_whose_upload_was_deleted_is_nobodys(
    both: list[Api], events: psycopg.Connection
) -> None:
    insert(
        events,
        event("asset_uploaded", ip_asset_id="b", actor_type="creator", actor_id="late"),
    )
    warm(both, "/v1/assets/b/metrics", Caller("late", "creator"))
    events.execute("delete from raw.events where ip_asset_id = 'b'")
    for api in both:
        wait_until(partial(_is_shut_out, api, "/v1/assets/b/metrics", Caller("late", "creator")))


def ranged(first: date, last: date) -> dict[str, object]:
    return {"start": first, "end": last}


def test_a_build_drops_the_answers_that_hold_one_of_its_days(
    both: list[Api], events: psycopg.Connection
) -> None:
    day = utc_today() - timedelta(days=20)
    holds, other = ranged(day - timedelta(days=3), day), ranged(date(2015, 1, 1), date(2015, 1, 9))
    build_id = events.execute(
        "insert into enrichment.builds (run_id, root_run_id, first_day, last_day, chunk, chunks,"
        " is_whole, project_hash, parser_version, snapshot, watermark)"
        " values ('r', 'r', %s, %s, 1, 1, true, '', '', pg_current_snapshot(), now())"
        " returning build_id",
        (day, day + timedelta(days=1)),
    ).fetchone()
    assert build_id
    changes = [
        ("insert into enrichment.replaced_days (day, model, build_id) values (%s, 'm', %s)",
         (day, *build_id)),
        ("delete from enrichment.replaced_days where day = %s", (day,)),
        ("update enrichment.builds set finished_at = now() where build_id = %s", build_id),
        ("insert into raw.ad_spend (date, source, currency, cost_cents) values (%s, 's', 'USD', 1)",
         (day,)),
        ("update raw.ad_spend set cost_cents = 2 where date = %s", (day,)),
        ("delete from raw.ad_spend where date = %s", (day,)),
    ]  # fmt: skip
    for statement, parameters in changes:
        for path in (ASSET, PLATFORM):
            warm(both, path, **holds)
        warm(both, ASSET, **other)
        events.execute(statement.encode(), parameters)
        for path in (ASSET, PLATFORM):
            forget(both, path, **holds)
        for api in both:
            assert api.get(ASSET, **other).json()["meta"]["cached"], statement


def test_what_dbt_builds_by_hand_is_told_too(both: list[Api], events: psycopg.Connection) -> None:
    day = utc_today() - timedelta(days=14)
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    warm(both, **ranged(day, day))
    insert(events, Event(event_type="asset_viewed", occurred_at=moment, ip_asset_id="a"))
    warm(both, **ranged(day, day))
    build(day, day)
    for answer in forget(both, **ranged(day, day)):
        assert answer["totals"]["views"] == 1
        assert answer["meta"]["as_of"] < datetime.now(UTC).isoformat()


def test_deleted_events_leave_the_answers(both: list[Api], events: psycopg.Connection) -> None:
    moment = datetime.now(UTC) - timedelta(days=3)
    insert(
        events,
        Event(event_type="asset_viewed", occurred_at=moment, ip_asset_id="a", visitor_id="erased"),
    )
    day = ranged(moment.date(), moment.date())
    warm(both, **day)
    events.execute("delete from raw.events where visitor_id = 'erased'")
    assert [answer["totals"]["views"] for answer in forget(both, **day)] == [0, 0]


def test_an_answer_that_was_overtaken_is_not_kept(
    both: list[Api], events: psycopg.Connection, views_database: str
) -> None:
    """Its snapshot is older than a license that was told while it was counted."""
    asked = {"start": utc_today() - timedelta(days=11), "end": utc_today()}
    warm(both, period="7d")  # so that the caller's right is known
    before = both[0].get(ASSET, period="7d").json()["totals"]["conversions"]
    told = both[0].metric(TOLD)
    with psycopg.connect(views_database) as held:
        held.execute("lock table intermediate.int_entity_days in access exclusive mode")
        with _asking(both[0], asked) as answers:
            wait_until(lambda: bool(events.execute(WAITING).fetchall()))
            insert(events, event("license_created", ip_asset_id="a", license_id="n"))
            wait_until(lambda: both[0].metric(TOLD) > told)
            held.rollback()
    [overtaken] = answers
    assert overtaken["totals"]["conversions"] == before
    after = both[0].get(ASSET, **asked).json()
    assert after["totals"]["conversions"] == before + 1
    assert not after["meta"]["cached"]


@contextmanager
def _asking(api: Api, asked: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """A question on its way while the context lasts; its answer is in the list afterwards."""
    answers: list[dict[str, Any]] = []
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(lambda: api.get(ASSET, **asked).json())
        yield answers
        answers.append(future.result(timeout=SECONDS))


def _end_listening(events: psycopg.Connection) -> None:
    ended = events.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = %s and datname = current_database()",
        (APPLICATION,),
    ).fetchall()
    assert ended


def test_without_the_listening_connection_nothing_is_kept(
    both: list[Api], events: psycopg.Connection, server: EmbeddedPostgres
) -> None:
    warm(both)
    name = sql.Identifier(events.info.dbname)
    with connect(url_of(server, "postgres"), autocommit=True) as admin:
        # The pool keeps its connections; the listening one finds no way back.
        admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
        try:
            _end_listening(events)
            for api in both:
                wait_until(lambda api=api: not _listens(api))  # type: ignore[misc]
                assert api.metric("entries") == 0
                for _ in range(3):
                    answer = api.get(ASSET).raise_for_status().json()
                    assert not answer["meta"]["cached"]
            # Told to nobody.
            insert(events, event("license_created", ip_asset_id="a", license_id="unheard"))
            told = both[0].get(ASSET).json()["totals"]["conversions"]
        finally:
            admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
    for api in both:
        wait_until(partial(_listens, api))
        assert api.get(ASSET).json()["totals"]["conversions"] == told
    warm(both)


def test_a_connection_that_is_killed_again_and_again_comes_back(
    both: list[Api], events: psycopg.Connection
) -> None:
    for number in range(3):
        warm(both)
        expected = both[0].get(ASSET).json()["totals"]["conversions"] + 1
        _end_listening(events)
        insert(events, event("license_created", ip_asset_id="a", license_id=f"killed-{number}"))
        for api in both:
            wait_until(partial(_has_conversions, api, expected))
            wait_until(partial(_listens, api))


def _has_conversions(api: Api, expected: int) -> bool:
    return bool(api.get(ASSET).json()["totals"]["conversions"] == expected)


def _listens(api: Api) -> bool:
    return api.is_listening


def _is_shut_out(api: Api, path: str, caller: Caller) -> bool:
    return api.get(path, caller).status_code == 404


def test_a_process_that_slept_hears_what_was_said_meanwhile(
    both: list[Api], events: psycopg.Connection
) -> None:
    warm(both)
    before = both[1].get(ASSET).json()["totals"]["conversions"]
    os.kill(both[1].process.pid, signal.SIGSTOP)
    try:
        insert(events, event("license_created", ip_asset_id="a", license_id="slept"))
    finally:
        os.kill(both[1].process.pid, signal.SIGCONT)
    wait_until(lambda: both[1].get(ASSET).json()["totals"]["conversions"] == before + 1)


def test_a_message_too_long_means_everything(both: list[Api], events: psycopg.Connection) -> None:
    warm(both, PLATFORM)
    tags = {"tags": [f"asset:{number}" for number in range(2000)]}
    events.execute("select raw.tell_change(%s)", (Jsonb(tags),))
    forget(both, PLATFORM)
