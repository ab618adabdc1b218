"""The `eventmill` command: the runner's own commands, and the groups of the other rooms."""

import json
import os
import signal
import sys
from datetime import timedelta
from typing import Annotated, Any, cast, get_args

import psycopg
import typer
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from eventmill.core.currency import store_currency, stored_currency
from eventmill.core.database import connect, database_url, ensure_database, url_without_password
from eventmill.core.errors import ConfigurationError, EventmillError
from eventmill.core.opening import open_connection, start_server, start_servers_with
from eventmill.core.setting_groups import said_of
from eventmill.core.settings import Settings, export, get_settings
from eventmill.core.tokens import Caller, Role, issue
from eventmill.privacy import commands as privacy_commands
from eventmill.runner import plan_commands
from eventmill.runner.embedded import BIN, EmbeddedPostgres
from eventmill.warehouse import commands as warehouse_commands
from ingest_api import cli as ingest_commands
from orchestration import cli as orchestration_commands

app = typer.Typer(
    name="eventmill",
    help="Product analytics on one PostgreSQL: ingest, Dagster, dbt and a dashboards API.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables; `eventmill settings` lists them.",
)
app.add_typer(plan_commands.app, name="plan")
app.add_typer(privacy_commands.app, name="subjects")
app.add_typer(warehouse_commands.app, name="warehouse")
app.add_typer(ingest_commands.app)
app.add_typer(orchestration_commands.app)
start_servers_with(lambda: EmbeddedPostgres(get_settings().home).start())
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def up() -> None:
    """Start the whole system in this terminal.

    Starts PostgreSQL (when embedded), migrates the database, then starts the ingest API, the
    dashboards API, Dagster's UI and Dagster's daemon. Prints the address of each, then their logs.

    A process that dies is started again. One that dies five times in a minute is given up: the
    others go on, and the exit status is 1 at the end. Ctrl-C stops what this command started.
    """
    from eventmill.runner.services import services
    from eventmill.runner.system import running_system

    with running_system(show_logs=True) as supervisor:
        for service in services():
            if service.url:
                print(f"{service.name:>10} | ready at {service.url}", flush=True)
        supervisor.serve()


@app.command()
def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Exit after printing; the exit status is 1 if a step failed."),
    ] = False,
) -> None:
    """Start the system and feed it a real log.

    Imports 10,000 lines of a real web server's log and builds their four days through Dagster.
    Prints the numbers, tokens and calls to try, and keeps serving until Ctrl-C. In a home that has
    the demo already it adds nothing.
    """
    from eventmill.runner.demo import keep_everything, run_demo
    from eventmill.runner.system import running_system

    console = Console()
    keep_everything()
    export({"EVENTMILL_EXAMPLE_PAGE": "true"})
    console.print("[bold]Starting[/] PostgreSQL, ingest, dashboards and Dagster …")
    with running_system(show_logs=False) as supervisor:
        console.print(f"Ready. Logs are in {supervisor.logs}", soft_wrap=True)
        run_demo(console, supervisor)
        if not once:
            console.print("\nServing. Ctrl-C stops everything.")
            supervisor.serve()


@app.command()
def down() -> None:
    """Stop whatever runs for this home.

    Stops the embedded PostgreSQL too, whoever started it. Prints what was stopped; the exit status
    is 0 also when nothing was running.
    """
    from eventmill.runner.processes import stop_everything

    stopped = stop_everything()
    if EmbeddedPostgres(get_settings().home).stop():
        stopped.append("postgresql")
    print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Print what runs and which days are built.

    One line for each service: its state, its address, how often it was started again and how it
    ended last. Then the number of events and the built days. The exit status is 0 also when
    nothing runs.
    """
    from eventmill.runner.status import report

    found = report()
    if as_json:
        print(json.dumps(found))
        return
    table = Table("service", "state", "where", "restarts", "last exit", box=None)
    for process in found["services"]:
        table.add_row(process["name"], process["state"], process["url"] or "", *_history(process))
    database = found["database"]
    state = "ready" if database["running"] else "down"
    table.add_row("postgresql", state, database["location"], *_history(database))
    Console(soft_wrap=True).print(table)
    if problem := database.get("problem"):
        print(f"problem: {problem}")
    if "events" in database:
        events, built = database["events"], database["built"]
        print("events: " + (f"{events:,}" if events is not None else "too many to count quickly"))
        days = f"{built['days']} days, {built['first_day']} to {built['last_day']}" if built else ""
        print(f"built: {days or 'nothing yet: `eventmill backfill START END`'}")


def _history(process: dict[str, Any]) -> tuple[str, str]:
    last = process["last_exit"]
    return str(process["restarts"]), f"{last['how']}, {last['at'][:19]}Z" if last else ""


@app.command()
def migrate() -> None:
    """Apply missing database migrations, and nothing else.

    Prints the names of those that were applied. Safe to run at any time, also twice at once. `up`
    and `demo` migrate too, and also store the tracking plan and the currency.
    """
    from eventmill.core.migrate import migrate as apply

    start_server()
    ensure_database(database_url())
    with connect(autocommit=True, application="eventmill migrate") as connection:
        applied = apply(connection)
    print(f"applied {', '.join(applied)}" if applied else "nothing to apply")


@app.command()
def currency(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="ISO 4217, as EUR.")] = None,
) -> None:
    """Print the platform's currency, or make it CODE.

    Revenue is counted in this currency. Days that are built already keep their numbers until they
    are built again. `up` sets it to EVENTMILL_CURRENCY; without that setting, the first money that
    is stored decides.
    """
    with open_connection("eventmill currency", to_store=code is not None) as connection:
        if code is not None:
            store_currency(connection, code)
        stored = stored_currency(connection)
    print(stored or "no currency yet: it will be that of the first money stored")


@app.command()
def token(
    role: Annotated[str, typer.Option(help="creator, brand or admin.")],
    sub: Annotated[str, typer.Option(help="Id of the user that the token speaks for.")],
    brand_id: Annotated[
        str | None, typer.Option("--brand-id", help="The brand's id; for the role brand only.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="How long the token is good for.")] = 12,
) -> None:
    """Print a user token for the dashboards API.

    Prints a signed JWT and nothing else, so that it can stand inside another command. The database
    is not needed.
    """
    if role not in get_args(Role):
        raise ConfigurationError(f"unknown role {role!r}: use one of {', '.join(get_args(Role))}")
    print(issue(Caller(sub, cast("Role", role), brand_id), timedelta(hours=hours)))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the system's database.

    Arguments after `--` go to psql, whose exit status is the command's. Starts the embedded server
    if it is down. Creates no database and migrates nothing.
    """
    start_server()
    connect(application="eventmill psql").close()  # says in one line what is missing
    program = str(BIN / "psql")
    url = url_without_password(database_url(), "database")  # others see the arguments
    # Python ignores the signal, and what is ignored stays so in the program that takes its place.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(program, [program, url, *context.args])  # noqa: S606


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """List every setting, its value and its purpose.

    Values that are secret are printed as stars.
    """
    values = get_settings()
    rows: list[dict[str, Any]] = [
        {
            "variable": f"EVENTMILL_{name.upper()}",
            "value": None if getattr(values, name) is None else str(getattr(values, name)),
            "description": _description(field),
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        value = "(not set)" if row["value"] is None else row["value"]
        print(f"{row['variable']} = {value}\n    {row['description']}")


def _description(field: FieldInfo) -> str:
    said = said_of(field)
    return said["Meaning"] + (f" Default: {said['Unset']}" if "Unset" in said else "")


def main() -> None:
    """Entry point. Ends silently when nobody reads its output any more, as in `… | head -1`.

    The signal itself stays ignored: it would also come for a connection that the database closed,
    and `up` and `demo` have to stop what they started.
    """
    try:
        _run()
    except (BrokenPipeError, SystemExit) as end:
        # Typer and Rich turn the broken pipe into an exit with 1.
        if not isinstance(end, BrokenPipeError) and not isinstance(
            end.__context__, BrokenPipeError
        ):
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # or Python's own last flush would complain
            os.dup2(nowhere, stream)
        sys.exit(128 + signal.SIGPIPE)


def _run() -> None:
    """Says errors in one line."""
    from eventmill.runner.supervisor import Stopped

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except Stopped:
        sys.exit(0)
    except EventmillError as error:
        sys.exit(_say(error))
    except psycopg.errors.InsufficientPrivilege as error:
        sys.exit(_say(f"{error.diag.message_primary}: this needs the login that owns the database"))
    except BrokenPipeError:
        raise
    except OSError as error:  # a folder that cannot be written, a full disk
        sys.exit(_say(error))


def _say(error: Exception | str) -> int:
    print(f"eventmill: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
