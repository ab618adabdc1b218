"""Every day is built by 04:00 UTC of the next: a freshness policy, and an alert on its state.

Dagster judges an asset by its latest materialization, whichever day that was of, and old days are
built again at any hour. So the policy is on an asset of its own, which only a build of the day
before materializes.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from eventmill.core.days import day_start
from orchestration.alerts import send
from orchestration.keys import DAILY_BUILDS, NIGHTLY_BUILD

# The night run starts at 02:00; with its retries it is through by then.
DEADLINE = timedelta(hours=4)

nightly_build = dg.AssetSpec(
    NIGHTLY_BUILD,
    deps=[DAILY_BUILDS],
    description=(
        "Yesterday is built. Each build of yesterday materializes it, and it is not fresh if none"
        " did from midnight to 04:00 UTC."
    ),
    group_name="marts",
    owners=["team:data"],
    kinds={"postgres"},
    freshness_policy=dg.FreshnessPolicy.cron(
        deadline_cron="0 4 * * *", lower_bound_delta=DEADLINE, timezone="UTC"
    ),
)


@dg.sensor(
    name="freshness_alert",
    description="Logs and posts it when yesterday is not built by 04:00 UTC.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
)
def freshness_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One alert for each missing night."""
    record = context.instance.get_freshness_state_records([NIGHTLY_BUILD]).get(NIGHTLY_BUILD)
    now = datetime.now(UTC)
    midnight = day_start((now - DEADLINE).date())
    state = record.freshness_state.value if record else "not looked at yet"
    # Without any build the state is unknown. Dagster has asked for it since before the night.
    never = record is not None and state == "UNKNOWN" and record.updated_at < midnight
    if state != "FAIL" and not never:
        return dg.SensorResult(skip_reason=f"freshness: {state}", cursor="")
    day = str((midnight - timedelta(days=1)).date())
    said = f"{day} is not built, though it is past 04:00 UTC"
    if context.cursor != day:
        alert = {"text": f"Eventmill: {said}", "event": "not_fresh", "day": day}
        send(context.log, f"freshness-{day}", alert)
    return dg.SensorResult(skip_reason=said, cursor=day)
