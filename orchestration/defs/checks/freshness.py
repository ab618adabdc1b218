"""Yesterday is built by 04:00 UTC: a check of daily_builds, whether or not anything runs."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import dagster as dg
import psycopg

from eventmill.core.database import connect
from eventmill.core.days import ONE_DAY, day_start
from orchestration.defs.alerts.sensors import send
from orchestration.jobs import FRESHNESS
from orchestration.relations import has_builds

# The night run starts at 02:00; with its retries it is through by then.
DEADLINE = timedelta(hours=4)


class Freshness(NamedTuple):
    """Whether the last day whose deadline has passed is built."""

    day: date
    passed: bool
    why: str


def look(connection: psycopg.Connection, now: datetime) -> Freshness:
    """A system that had built nothing before the deadline cannot have missed it."""
    day = (now - DEADLINE).date() - ONE_DAY
    deadline = day_start(day + ONE_DAY) + DEADLINE
    was_young = not _any(
        connection, "select from enrichment.builds where started_at < %s", deadline
    )
    if was_young:
        return Freshness(day, True, "nothing was built before the deadline")
    if has_builds(connection) and _any(
        connection, "select from marts.daily_builds where date = %s", day
    ):
        return Freshness(day, True, f"{day} is built")
    return Freshness(day, False, f"{day} is not built, though it is past {deadline:%H:%M} UTC")


def _any(connection: psycopg.Connection, query: str, parameter: object) -> bool:
    row = connection.execute(f"select exists ({query})".encode(), (parameter,)).fetchone()
    return row is not None and bool(row[0])


def _look_now() -> Freshness:
    with connect(autocommit=True, application="eventmill freshness") as connection:
        return look(connection, datetime.now(UTC))


@dg.asset_check(
    asset=FRESHNESS.asset_key,
    name=FRESHNESS.name,
    description="Yesterday is built by 04:00 UTC. Looked at every five minutes.",
)
def yesterday_is_built() -> dg.AssetCheckResult:
    """The same by hand."""
    found = _look_now()
    return dg.AssetCheckResult(
        passed=found.passed, description=found.why, metadata={"day": str(found.day)}
    )


@dg.sensor(
    name="freshness",
    description="Looks whether yesterday is built by 04:00 UTC, and alerts if it is not.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=300,
)
def freshness(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Says so when it changes, and not at every look."""
    found = _look_now()
    state = f"{found.day} {'built' if found.passed else 'missing'}"
    if context.cursor == state:
        return dg.SensorResult(skip_reason=found.why)
    if not found.passed:
        alert = {"text": f"Eventmill: {found.why}", "event": "not_fresh", "day": str(found.day)}
        send(context.log, f"freshness-{found.day}", alert)
    return dg.SensorResult(
        cursor=state,
        skip_reason=found.why,
        asset_events=[
            dg.AssetCheckEvaluation(
                asset_key=FRESHNESS.asset_key,
                check_name=FRESHNESS.name,
                passed=found.passed,
                metadata={"day": str(found.day)},
                description=found.why,
            )
        ],
    )
