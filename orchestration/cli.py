"""The commands `eventmill backfill`, `eventmill dbt` and `eventmill explain`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from eventmill.database import dbt_environment
from eventmill.days import ONE_DAY, DayWindow, parse_day, utc_today
from eventmill.errors import ConfigurationError, EventmillError
from eventmill.settings import child_environment, get_settings
from orchestration.explain import explain

app = typer.Typer()
app.command()(explain)


class BackfillFailed(EventmillError):
    """The run failed; the message says what and where its log is."""


@app.command()
def backfill(
    start: Annotated[str, typer.Argument(help="First UTC day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Argument(help="Last UTC day, inclusive; at most yesterday.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Build the days START to END and wait for it.

    One Dagster run: enrichment, then every dbt model, seed and test. Rebuilding a day replaces it.
    Works whether or not `eventmill up` is running.
    """
    window = closed_days(start, end)
    from eventmill.system import ensure_ready_database

    ensure_ready_database()
    from orchestration.instance import prepare_instance

    prepare_instance()
    from orchestration.backfill import run_backfill

    result = run_backfill(window)
    if result.errors:
        raise BackfillFailed(
            f"the run {result.run_id} failed in {'; '.join(result.errors)} (its log: {result.log})"
        )
    if as_json:
        print(
            json.dumps(
                {
                    "run_id": result.run_id,
                    "first_day": window.first.isoformat(),
                    "last_day": window.last.isoformat(),
                    "days": len(window),
                    "seconds": round(result.seconds, 2),
                }
            )
        )
        return
    days = f"{len(window)} day{'s' if len(window) > 1 else ''}"
    print(
        f"built {days}, {window.first} to {window.last}, in {result.seconds:.1f} s:"
        f" run {result.run_id}"
    )


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(context: typer.Context) -> None:
    """Run dbt on the project, with the system's database.

    Arguments go to dbt as they are: `eventmill dbt --target dev build --select daily_metrics+`.
    Without `--target` it is dev: schemas of your own, dev_<user>_*. There it builds the last three
    days that have events, unless `--event-time-start` and `--event-time-end` name others.
    """
    from eventmill.system import ensure_ready_database

    ensure_ready_database()
    from eventmill.database import connect
    from orchestration.development import sample_environment

    with connect() as connection:
        sample = sample_environment(connection, context.args)
    environment = child_environment(**dbt_environment(), **sample)
    program = str(Path(sys.executable).with_name("dbt"))
    os.execve(program, [program, *context.args], environment)  # noqa: S606


def closed_days(start: str, end: str) -> DayWindow:
    """The days START to END. Raises ConfigurationError unless each has a partition by now."""
    window = DayWindow(parse_day(start), parse_day(end))
    first_day, today = get_settings().first_day, utc_today()
    if window.first < first_day:
        raise ConfigurationError(
            f"{window.first} is before the first day, {first_day}: set EVENTMILL_FIRST_DAY"
        )
    if window.last >= today:
        raise ConfigurationError(
            f"{window.last} is not over in UTC: the last day that can be built is"
            f" {today - ONE_DAY}; dashboards compute today from raw events"
        )
    return window
