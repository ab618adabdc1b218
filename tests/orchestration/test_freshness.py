"""Yesterday has to be built by 04:00 UTC."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions import freshness_evaluator
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.loader import LoadingContextForTest

from eventmill.core.days import ONE_DAY, day_start, utc_today
from orchestration.defs.building.freshness import freshness_alert, nightly_build
from orchestration.keys import NIGHTLY_BUILD
from tests.orchestration.support import listener
from tests.support import environment

TOMORROW = day_start(utc_today() + ONE_DAY)


@pytest.fixture
def state_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[dg.DagsterInstance, datetime], str]:
    """What Dagster's own evaluator says of the policy at a moment."""
    graph = dg.Definitions(assets=[nightly_build]).resolve_asset_graph()

    def found(instance: dg.DagsterInstance, moment: datetime) -> str:
        monkeypatch.setattr(freshness_evaluator, "get_current_datetime", lambda _: moment)
        state = freshness_evaluator.CronFreshnessPolicyEvaluator().evaluate_freshness(
            context=LoadingContextForTest(instance), node=graph.get(NIGHTLY_BUILD)
        )
        return str(asyncio.run(state).value)

    return found


def test_a_day_must_be_built_when_its_deadline_has_passed(
    state_at: Callable[[dg.DagsterInstance, datetime], str],
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert state_at(instance, TOMORROW) == "UNKNOWN"
        instance.report_runless_asset_event(dg.AssetMaterialization(NIGHTLY_BUILD))
        assert state_at(instance, TOMORROW + timedelta(hours=3, minutes=59)) == "PASS"
        assert state_at(instance, TOMORROW + timedelta(hours=4, seconds=1)) == "FAIL"


def alerts(instance: dg.DagsterInstance, ticks: int = 2) -> list[dict[str, str]]:
    """What the sensor posts in so many looks."""
    cursor = None
    with listener() as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        for _ in range(ticks):
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            cursor = freshness_alert.evaluate_tick(context).cursor
    return [json.loads(body) for body in bodies]


@pytest.mark.parametrize(
    ("state", "age", "are_alerts"),
    [
        (FreshnessState.PASS, timedelta(0), 0),
        (FreshnessState.FAIL, timedelta(0), 1),
        # A system that is younger than the night cannot have missed it.
        (FreshnessState.UNKNOWN, timedelta(0), 0),
        (FreshnessState.UNKNOWN, timedelta(days=2), 1),
    ],
)
def test_a_missing_night_alerts_once(
    database: str, state: FreshnessState, age: timedelta, are_alerts: int
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance._report_runless_asset_event(
            FreshnessStateChange(
                key=NIGHTLY_BUILD,
                new_state=state,
                previous_state=FreshnessState.UNKNOWN,
                state_change_timestamp=(datetime.now(UTC) - age).timestamp(),
            )
        )
        sent = alerts(instance)
    assert len(sent) == are_alerts
    assert all(alert["event"] == "not_fresh" for alert in sent)


def test_before_dagster_has_looked_nothing_is_said(database: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert alerts(instance) == []
