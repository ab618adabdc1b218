"""A failed run reaches the webhook, at once or when the webhook is back."""

import json
from collections.abc import Iterator

import dagster as dg
import httpx
import pytest

from orchestration import alerts
from orchestration.defs.alerts.sensors import (
    alert_redelivery,
    failed_check_alert,
    run_failure_alert,
)
from tests.orchestration.support import listener
from tests.support import environment


@dg.op
def breaks() -> None:
    raise dg.Failure("the moon is not made of cheese")


@dg.job
def broken() -> None:
    breaks()


@pytest.fixture
def instance(database: str) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened
    for alert in alerts.pending():
        alert.unlink()


def _fail(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    tags = {
        "dagster/asset_partition_range_start": "2024-03-01",
        "dagster/asset_partition_range_end": "2024-03-02",
    }
    result = broken.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    (failure,) = [
        event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE
    ]
    return dg.build_run_status_sensor_context(
        sensor_name="run_failure_alert",
        dagster_event=failure,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()


def test_a_failed_run_is_posted_as_json(instance: dg.DagsterInstance) -> None:
    with listener() as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        run_failure_alert(_fail(instance))
    (body,) = bodies
    alert = json.loads(body)
    assert alert["event"] == "run_failed"
    assert alert["job"] == "broken"
    assert (alert["first_day"], alert["last_day"]) == ("2024-03-01", "2024-03-02")
    assert alert["failed_steps"] == ["breaks"]
    assert alert["error"] == "the moon is not made of cheese"
    assert alert["url"].endswith(f"/runs/{alert['run_id']}")
    assert "the moon is not made of cheese" in alert["text"]
    assert "\n" not in alert["text"]
    assert alerts.pending() == []


@dg.asset(check_specs=[dg.AssetCheckSpec("is_cheese", asset="moon")])
def moon() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    yield dg.Output(None)
    yield dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


def test_a_check_that_fails_alerts_although_the_run_succeeds(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([moon], instance=instance)
    (success,) = [
        event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_SUCCESS
    ]
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_check_alert",
        dagster_event=success,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    with listener() as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        failed_check_alert(context)
    (body,) = bodies
    alert = json.loads(body)
    assert alert["event"] == "check_failed"
    assert alert["failed_checks"] == ["moon: is_cheese"]
    assert alert["url"].endswith(f"/runs/{result.run_id}")


def test_what_the_webhook_does_not_take_is_posted_again(instance: dg.DagsterInstance) -> None:
    with listener(status=503) as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        run_failure_alert(_fail(instance))  # does not raise: the run's failure is logged
        assert len(bodies) == 1
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            alert_redelivery(dg.build_sensor_context())
        assert len(alerts.pending()) == 1
    with listener() as (url, bodies), environment(EVENTMILL_ALERT_WEBHOOK=url):
        alert_redelivery(dg.build_sensor_context())
        assert len(bodies) == 1
        alert_redelivery(dg.build_sensor_context())
        assert len(bodies) == 1


def test_nobody_listening_loses_nothing(instance: dg.DagsterInstance) -> None:
    with environment(EVENTMILL_ALERT_WEBHOOK="http://127.0.0.1:9/alerts"):
        run_failure_alert(_fail(instance))
    assert len(alerts.pending()) == 1


def test_without_a_webhook_it_is_only_logged(instance: dg.DagsterInstance) -> None:
    run_failure_alert(_fail(instance))
    assert alerts.pending() == []
