"""Yesterday has to be built by 04:00 UTC."""

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psycopg

from eventmill.core.days import utc_today
from tests.orchestration.pretended import build, make_marts
from tests.orchestration.support import listener
from tests.support import environment

DAY = date(2024, 3, 10)
BEFORE = datetime(2024, 3, 11, 3, 59, tzinfo=UTC)
AFTER = datetime(2024, 3, 11, 4, 0, tzinfo=UTC)


def test_a_day_must_be_built_when_its_deadline_has_passed(connection: psycopg.Connection) -> None:
    from orchestration.defs.checks.freshness import look

    assert look(connection, AFTER).passed, "nothing was ever built"
    make_marts(connection)
    build(connection, DAY - timedelta(days=1))
    assert look(connection, AFTER).passed, "the system is younger than that"
    connection.execute("update enrichment.builds set started_at = '2024-03-10 02:00:00+00'")
    assert look(connection, BEFORE).passed, "the day before is judged until the deadline"
    late = look(connection, AFTER)
    assert not late.passed
    assert late.why == "2024-03-10 is not built, though it is past 04:00 UTC"
    build(connection, DAY)
    assert look(connection, AFTER).passed


def test_a_missing_day_alerts_once_and_shows_as_a_failed_check(
    connection: psycopg.Connection,
) -> None:
    from orchestration.defs.checks import freshness

    make_marts(connection)
    build(connection, utc_today() - timedelta(days=9))
    connection.execute("update enrichment.builds set started_at = now() - interval '3 days'")
    instance = dg.DagsterInstance.ephemeral()
    with listener() as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        first = freshness.evaluate_tick(dg.build_sensor_context(instance=instance))
        again = freshness.evaluate_tick(
            dg.build_sensor_context(instance=instance, cursor=first.cursor)
        )
    (evaluation,) = first.asset_events
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert not evaluation.passed
    assert list(again.asset_events) == []
    (body,) = bodies
    assert json.loads(body)["event"] == "not_fresh"
