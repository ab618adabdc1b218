"""The `eventmill` command. The other parts bring their own commands by entry point."""

import json
import os
import signal
import sys
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table

from eventmill import (
    key_commands,
    load_commands,
    spend_commands,
    subject_commands,
    warehouse_commands,
)
from eventmill.database import connect, database_url, ensure_database, ensure_server
from eventmill.embedded import BIN, EmbeddedPostgres
from eventmill.errors import ConfigurationError, EventmillError
from eventmill.plan_commands import app as plan_app
from eventmill.settings import Settings, export, get_settings
from eventmill.tokens import Caller, Role, issue

app = typer.Typer(
    name="eventmill",
    help="Product analytics on one PostgreSQL: ingest, Dagster, dbt and a dashboards API.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Settings are environment variables; `eventmill settings` lists them.",
)
app.add_typer(plan_app, name="plan")
app.add_typer(key_commands.app, name="keys")
app.add_typer(spend_commands.app, name="spend")
app.add_typer(subject_commands.app, name="subjects")
warehouse_commands.app.command("load")(load_commands.load)
app.add_typer(warehouse_commands.app, name="warehouse")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def up() -> None:
    """Start the whole system in this terminal.

    PostgreSQL (when embedded), the ingest API, the dashboards API and Dagster with its daemon.
    Ctrl-C stops what this command started.
    """
    from eventmill.services import services
    from eventmill.system import running_system

    with running_system(show_logs=True) as supervisor:
        for service in services():
            if service.url:
                print(f"{service.name:>10} | ready at {service.url}", flush=True)
        supervisor.serve()


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit after printing, non-zero if a step failed.")
    ] = False,
) -> None:
    """Start the system and feed it a real log.

    Imports 10,000 lines of a real web server's log, builds their four days through Dagster, prints
    the numbers, tokens and calls to try, and keeps serving until Ctrl-C.
    """
    from eventmill.demo import keep_everything, run_demo
    from eventmill.system import running_system

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

    The embedded PostgreSQL included, whoever started it.
    """
    from eventmill.supervisor import stop_everything

    stopped = stop_everything()
    if EmbeddedPostgres(get_settings().home).stop():
        stopped.append("postgresql")
    print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say what runs and which days are built."""
    from eventmill.status import report

    found = report()
    if as_json:
        print(json.dumps(found))
        return
    table = Table("service", "state", "where", box=None)
    for service in found["services"]:
        state = "ready" if service["ready"] else "starting" if service["pid"] else "down"
        table.add_row(service["name"], state, service["url"] or "")
    database = found["database"]
    table.add_row("postgresql", "ready" if database["running"] else "down", database["location"])
    Console(soft_wrap=True).print(table)
    if problem := database.get("problem"):
        print(f"problem: {problem}")
    if "events" in database:
        events, built = database["events"], database["built"]
        print("events: " + (f"{events:,}" if events is not None else "too many to count quickly"))
        days = f"{built['days']} days, {built['first_day']} to {built['last_day']}" if built else ""
        print(f"built: {days or 'nothing yet: `eventmill backfill START END`'}")


@app.command()
def migrate() -> None:
    """Apply missing database migrations.

    Safe to run at any time, also twice at once. `up` and `demo` do it by themselves.
    """
    from eventmill.migrate import migrate as apply

    ensure_server()
    ensure_database(database_url())
    with connect(autocommit=True, application="eventmill migrate") as connection:
        applied = apply(connection)
    print(f"applied {', '.join(applied)}" if applied else "nothing to apply")


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

    A signed JWT, and nothing else, so that it can be used inside another command.
    """
    if role not in get_args(Role):
        raise ConfigurationError(f"unknown role {role!r}: use one of {', '.join(get_args(Role))}")
    print(issue(Caller(sub, cast("Role", role), brand_id), timedelta(hours=hours)))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the system's database.

    Arguments after `--` go to psql. Starts the embedded server if it is down.
    """
    ensure_server()
    ensure_database(database_url())
    program = str(BIN / "psql")
    # Python ignores the signal, and what is ignored stays so in the program that takes its place.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(program, [program, database_url(), *context.args])  # noqa: S606


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """List every setting, its value and its purpose."""
    values = get_settings()
    rows: list[dict[str, Any]] = [
        {
            "variable": f"EVENTMILL_{name.upper()}",
            "value": None if getattr(values, name) is None else str(getattr(values, name)),
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        value = "(not set)" if row["value"] is None else row["value"]
        print(f"{row['variable']} = {value}\n    {row['description']}")


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
    """Mounts the other parts' commands, and says errors in one line."""
    from eventmill.supervisor import Stopped

    for part in sorted(entry_points(group="eventmill.commands"), key=lambda e: e.name):
        app.add_typer(part.load())
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except Stopped:
        sys.exit(0)
    except EventmillError as error:
        sys.exit(_say(error))
    except BrokenPipeError:
        raise
    except OSError as error:  # a folder that cannot be written, a full disk
        sys.exit(_say(error))


def _say(error: Exception) -> int:
    print(f"eventmill: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
