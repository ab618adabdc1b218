"""A marketplace of 90 days for the dashboards' benchmark: who owns what, traffic, and its build."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg

from bench.generate import ASSETS, LICENSES, PROJECTS, generate_day
from eventmill.core.days import DayWindow, day_start

CREATORS, BRANDS = 200, 100

# Assets number n of a creator are all that equal n modulo CREATORS: 100 of all ranks of popularity.
UPLOADS = """
select
    'asset_uploaded', 'creator', 'creator_' || number %% %(creators)s, null::text, null::text,
    'asset_' || number, null::text, '{}'::jsonb
from generate_series(0, %(assets)s - 1) as number
"""
PROJECTS_CREATED = """
select
    'project_created', 'brand', 'user_of_brand_' || number %% %(brands)s,
    'brand_' || number %% %(brands)s, 'project_' || number, null, null, '{}'
from generate_series(0, %(projects)s - 1) as number
"""
LICENSES_CREATED = """
select
    'license_created', 'brand', 'user_of_brand_' || number %% %(brands)s,
    'brand_' || number %% %(brands)s, 'project_' || number %% %(projects)s,
    'asset_' || (number * 7919 + 1) %% %(assets)s, 'license_' || number, '{}'
from generate_series(0, %(licenses)s - 1) as number
"""
LIVES = f"""
insert into raw.events (
    event_id, occurred_at, received_at, source, visitor_id, event_type, actor_type, actor_id,
    brand_id, project_id, ip_asset_id, license_id, props_json
)
select
    gen_random_uuid(), %(moment)s, %(moment)s, 'server', coalesce(actor_id, 'nobody'), event_type,
    actor_type, actor_id, brand_id, project_id, ip_asset_id, license_id, props_json
from (
    {UPLOADS} union all {PROJECTS_CREATED} union all {LICENSES_CREATED}
) as lives (
    event_type, actor_type, actor_id, brand_id, project_id, ip_asset_id, license_id, props_json
)
"""

# What dashboards and queries read, and what that is made of.
MODELS = ("+daily_builds", "metric_definitions", "conversion_credits")


def environment(home: str, **more: str) -> dict[str, str]:
    others = {k: v for k, v in os.environ.items() if not k.startswith("EVENTMILL_")}
    others.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**others, "EVENTMILL_HOME": home, **more}


def eventmill(home: str, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("eventmill")), *arguments]
    finished = subprocess.run(
        command, env=environment(home), stdout=subprocess.PIPE, check=True, text=True
    )
    return finished.stdout.strip()


def fill(connection: psycopg.Connection, events: int, window: DayWindow) -> None:
    """`events` events over the days of `window`, and the lives of what they name before."""
    moment = day_start(_day_of_lives(window).first)
    connection.execute("select raw.ensure_partition(%s)", (moment.date(),))
    numbers = {"assets": ASSETS, "projects": PROJECTS, "licenses": LICENSES}
    owners = {"creators": CREATORS, "brands": BRANDS}
    connection.execute(LIVES.encode(), {"moment": moment, **numbers, **owners})
    for seed, day in enumerate(window):
        generate_day(connection, day, events // len(window), seed, enrich=seed == 0, analyze=False)
    connection.execute("vacuum analyze raw.events, raw.lifecycle_events")


def build(home: str, connection: psycopg.Connection, window: DayWindow) -> None:
    """Build the days with the models themselves, all in one run of dbt, and the day of the lives in
    another."""
    for days in (_day_of_lives(window), window):
        build_days(home, days)
    # Where `eventmill up` puts the manifest, from which the API knows what can be asked for.
    target = Path(home) / "dbt_target"
    (target / "dagster").mkdir(exist_ok=True)
    shutil.copy(target / "manifest.json", target / "dagster")
    connection.execute("vacuum analyze")


def build_days(home: str, window: DayWindow) -> None:
    """Build `window` with the models themselves, in one run of dbt."""
    eventmill(
        home, "dbt", "--quiet", "--target", "prod", "build", "--select", "resource_type:seed",
        *MODELS, "--exclude-resource-type", "test", "unit_test",
        "--event-time-start", window.start.date().isoformat(),
        "--event-time-end", window.end.date().isoformat(),
    )  # fmt: skip


def _day_of_lives(window: DayWindow) -> DayWindow:
    """Long before the range, and before the period that it is compared with."""
    day = window.first - timedelta(days=300)
    return DayWindow(day, day)
