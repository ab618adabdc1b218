"""`eventmill plan`: check the tracking plan, compare it with the database, make types from it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eventmill.core.errors import ConfigurationError
from eventmill.core.tracking_plan import load_plan, plan_file

app = typer.Typer(
    help="Check the tracking plan, compare it, make types from it.", no_args_is_help=True
)
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A plan. Default: the one in use.")
]
LONGEST_VALUE = 100


@app.command()
def check(file: FileArgument = None) -> None:
    """Print what is wrong with a plan.

    Of a sound plan prints the number of its event types and its hash. Otherwise the exit status is
    1, and the line says what is wrong and where. The database is not needed.
    """
    plan = load_plan(file)
    print(f"{file or plan_file()}: {len(plan.event_types)} event types, plan {plan.hash}")


@app.command()
def diff(
    file: FileArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List what the plan would change in the database.

    One line for each event type or property that is added, removed or changed. Stores nothing:
    `eventmill plan store`, `up` and `demo` do. The exit status is 1 if there is any change.
    """
    from eventmill.core.opening import open_connection
    from eventmill.core.plan_store import differences, stored_types, types_of

    plan = load_plan(file)
    with open_connection("eventmill plan") as connection:
        changes = differences(stored_types(connection), types_of(plan))
    if as_json:
        print(json.dumps([asdict(change) for change in changes]))
    else:
        for change in changes:
            values = {
                "added": _short(change.after),
                "removed": _short(change.before),
                "changed": f"{_short(change.before)} -> {_short(change.after)}",
            }
            print(f"{change.kind:>7}  {change.path}: {values[change.kind]}")
        if not changes:
            print("the database holds this plan")
    raise typer.Exit(1 if changes else 0)


@app.command()
def store(file: FileArgument = None) -> None:
    """Store a plan in the database, where dbt and its tests read it.

    Prints the plan's hash and the number of changes. A type that the plan no longer has stays in
    the table, marked as removed.
    """
    from eventmill.core.opening import open_connection
    from eventmill.core.plan_store import store_plan

    plan = load_plan(file)
    with open_connection("eventmill plan", to_store=True) as connection:
        changes = store_plan(connection, plan)
    print(f"stored plan {plan.hash}, {len(changes)} changes")


@app.command()
def types(
    language: Annotated[str, typer.Argument(help="typescript or python.")],
    file: FileArgument = None,
) -> None:
    """Print types of events and their props, for clients.

    Prints source code in the language, and nothing else. The database is not needed.
    """
    from eventmill.core.plan_types import LANGUAGES

    if language not in LANGUAGES:
        raise ConfigurationError(f"no types for {language!r}: use {' or '.join(LANGUAGES)}")
    print(LANGUAGES[language](load_plan(file)), end="")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"
