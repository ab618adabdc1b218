"""A failed run is logged and, if EVENTMILL_ALERT_WEBHOOK is set, posted there as JSON."""

from typing import Any

import dagster as dg
import httpx

from eventmill.settings import get_settings
from orchestration.defs.alerts import outbox
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
    alert = describe(context)
    context.log.error(alert["text"])
    if webhook := get_settings().alert_webhook:
        outbox.put(context.dagster_run.run_id, alert)
        try:
            outbox.deliver(webhook.get_secret_value())
        except httpx.HTTPError as error:
            context.log.warning(f"the webhook did not take it, tried again soon: {error!r}")


@dg.sensor(
    name="alert_redelivery",
    description="Posts alerts that the webhook did not take, every minute until it does.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def alert_redelivery(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """An error here shows as a failed tick of the sensor, and the alerts stay."""
    webhook = get_settings().alert_webhook
    if webhook is None or not outbox.pending():
        return dg.SkipReason("nothing to deliver")
    delivered = outbox.deliver(webhook.get_secret_value())
    return dg.SkipReason(f"delivered {delivered}")


def describe(context: dg.RunFailureSensorContext) -> dict[str, Any]:
    """The alert: JSON with `text` in one line, which chat webhooks show, and its parts."""
    run, settings = context.dagster_run, get_settings()
    steps = {
        event.step_key: reason(event.step_failure_data)
        for event in context.get_step_failure_events()
    }
    error = "; ".join(steps.values()) or context.failure_event.message or "no message"
    days = days_of_run(run.tags)
    what = run.job_name if days is None else f"{run.job_name}, {' to '.join(dict.fromkeys(days))},"
    url = f"http://{settings.host}:{settings.dagster_port}/runs/{run.run_id}"
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


def reason(data: Any) -> str:
    """What the step itself said, else the innermost exception; in one line."""
    said = data.user_failure_data.description if data.user_failure_data else None
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join((said or (error.message if error else "no message")).split())
