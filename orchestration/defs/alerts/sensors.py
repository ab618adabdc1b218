"""A failed run is logged and, if EVENTMILL_ALERT_WEBHOOK is set, posted there as JSON."""

from typing import Any

import dagster as dg

from eventmill.core.settings import get_settings
from orchestration import alerts
from orchestration.alerts import reason, run_url, send
from orchestration.partitions import days_of_run

LONGEST_ERROR = 2_000


@dg.run_failure_sensor(
    name="run_failure_alert",
    description="Logs a failed run and posts it to EVENTMILL_ALERT_WEBHOOK.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    monitor_all_code_locations=True,  # runs of `eventmill backfill` have no code location
)
def run_failure_alert(context: dg.RunFailureSensorContext) -> None:
    """What cannot be delivered now stays in the outbox, and alert_redelivery takes it up."""
    send(context.log, context.dagster_run.run_id, describe(context))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="failed_check_alert",
    description="Logs and posts checks that failed although their run went on, as warnings do.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    monitor_all_code_locations=True,
)
def failed_check_alert(context: dg.RunStatusSensorContext) -> None:
    """One alert a run. A run that fails by a check alerts as a failed run."""
    if alert := describe_checks(context):
        send(context.log, f"{context.dagster_run.run_id}-checks", alert)


@dg.sensor(
    name="alert_redelivery",
    description="Posts alerts that the webhook did not take, every minute until it does.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def alert_redelivery(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """An error here shows as a failed tick of the sensor, and the alerts stay."""
    webhook = get_settings().alert_webhook
    if webhook is None or not alerts.pending():
        return dg.SkipReason("nothing to deliver")
    delivered = alerts.deliver(webhook.get_secret_value())
    return dg.SkipReason(f"delivered {delivered}")


def describe(context: dg.RunFailureSensorContext) -> dict[str, Any]:
    """The alert: JSON with `text` in one line, which chat webhooks show, and its parts."""
    run = context.dagster_run
    steps = {
        event.step_key: reason(event.step_failure_data)
        for event in context.get_step_failure_events()
    }
    error = "; ".join(steps.values()) or context.failure_event.message or "no message"
    days = days_of_run(run.tags)
    what = run.job_name if days is None else f"{run.job_name}, {' to '.join(dict.fromkeys(days))},"
    url = run_url(run.run_id)
    return {
        "text": f"Eventmill: run of {what} failed: {error[:300]} – {url}",
        "event": "run_failed",
        "run_id": run.run_id,
        "job": run.job_name,
        "first_day": days[0] if days else None,
        "last_day": days[1] if days else None,
        "failed_steps": sorted(filter(None, steps)),
        "error": error[:LONGEST_ERROR],
        "url": url,
    }


def describe_checks(context: dg.RunStatusSensorContext) -> dict[str, Any] | None:
    """The alert for the run's checks that did not pass, or None if all did."""
    run = context.dagster_run
    entries = context.instance.all_logs(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    checks = [
        event.asset_check_evaluation_data for entry in entries if (event := entry.dagster_event)
    ]
    failed = {
        f"{check.asset_key.to_user_string()}: {check.check_name}"
        for check in checks
        if not check.passed
    }
    if not failed:
        return None
    names = "; ".join(sorted(failed))
    return {
        "text": f"Eventmill: checks failed: {names[:300]} – {run_url(run.run_id)}",
        "event": "check_failed",
        "run_id": run.run_id,
        "job": run.job_name,
        "failed_checks": sorted(failed),
        "url": run_url(run.run_id),
    }
