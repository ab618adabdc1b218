"""The commands `eventmill backfill`, `prepare`, `dbt`, `preview` and `explain`."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from eventmill.core.database import dbt_environment
from eventmill.core.days import ONE_DAY, DayWindow, parse_day, utc_today
from eventmill.core.errors import ConfigurationError, EventmillError
from eventmill.core.settings import child_environment, get_settings
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

    Starts one Dagster run: enrichment, then every dbt model, seed and test. Building a day again
    replaces it. Works whether or not `eventmill up` is running. Prints the days and the run's id;
    if the run fails, the exit status is 1 and the message names the step and the log.
    """
    window = closed_days(start, end)
    from eventmill.core.opening import open_database

    open_database(to_store=True)
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


@app.command()
def prepare(
    manifest: Annotated[
        bool, typer.Option("--manifest", help="Only dbt's manifest, which needs no database.")
    ] = False,
) -> None:
    """Write dbt's manifest, Dagster's tables and dbt's views.

    Dagster's processes read these. `eventmill up` prepares them by itself. After a change of the
    dbt project, run this and reload the code location in Dagster's UI: new models are assets then.
    """
    from eventmill.core.opening import open_database
    from orchestration.project import prepare_manifest

    if manifest:
        prepare_manifest()
        return
    open_database(to_store=True)
    from orchestration.prepare import prepare as prepare_all

    prepare_all()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(context: typer.Context) -> None:
    """Run dbt on the project, with the system's database.

    Arguments go to dbt as they are, as in `eventmill dbt build --select daily_metrics+`. The exit
    status is dbt's.

    Without `--target` the target is `dev`, in schemas of your own (`dev_<user>_*`). A build there
    takes the last three days that have events, unless `--event-time-start` and `--event-time-end`
    name others. Models that you have not built are read from production.

    `--target duckdb` needs no server. It builds the 31 days up to the last exported one from the
    warehouse's files into `<home>/laptop.duckdb`.
    """
    if names_duckdb(context.args):
        from orchestration.laptop import prepare

        _run_dbt(context.args, prepare(context.args))
    from eventmill.core.opening import open_connection
    from orchestration.development import deferral, sample_environment

    with open_connection("eventmill dbt") as connection:
        sample = sample_environment(connection, context.args)
    arguments = [*context.args, *deferral(context.args, get_settings().manifest_dir)]
    _run_dbt(arguments, {**dbt_environment(), **sample})


def names_duckdb(arguments: Sequence[str]) -> bool:
    """Whether the target is the one that needs no server."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        argument == "--target=duckdb" or (argument in ("--target", "-t") and value == "duckdb")
        for argument, value in pairs
    )


def _run_dbt(arguments: Sequence[str], variables: dict[str, str]) -> NoReturn:
    """Become dbt. Of a few chosen models, tests that compare them with others are left out."""
    program = str(Path(sys.executable).with_name("dbt"))
    environment = child_environment(**variables)
    environment.setdefault("DBT_INDIRECT_SELECTION", "buildable")
    os.execve(program, [program, *arguments], environment)  # noqa: S606


@app.command()
def preview(
    model: Annotated[str, typer.Argument(help="Name of a model that has days.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How many of the last built days.")] = 7,
    rows: Annotated[int, typer.Option(min=0, help="How many changed rows to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show what a changed model would do to production's numbers.

    Builds MODEL and all that it reads from the project's files, for the last built days, into the
    schemas `preview_<user>_*`, which stay until the next preview. Prints the old and the new sum of
    each column, and the rows that changed most. Production is only read.
    """
    from eventmill.core.opening import open_connection
    from orchestration.preview import preview as build_and_compare
    from orchestration.preview_report import as_json as report_as_json
    from orchestration.preview_report import show

    with open_connection("eventmill preview") as connection:
        found = build_and_compare(connection, model, days, rows)
    if as_json:
        print(report_as_json(found))
    else:
        show(found)


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
