"""`eventmill plan`: the tracking plan is checked, compared with the database, turned into types."""

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
    """Say whether a plan is sound, and what is wrong with it if not."""
    plan = load_plan(file)
    print(f"{file or plan_file()}: {len(plan.event_types)} event types, plan {plan.hash}")


@app.command()
def diff(
    file: FileArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List what the plan would change in the database.

    Exits with 1 if there is anything. `eventmill plan store`, `up` and `demo` store the plan.
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
    """Make the database hold a plan, where dbt and its tests read it."""
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
    """Print types of events and their props, for clients."""
    from eventmill.core.plan_types import LANGUAGES

    if language not in LANGUAGES:
        raise ConfigurationError(f"no types for {language!r}: use {' or '.join(LANGUAGES)}")
    print(LANGUAGES[language](load_plan(file)), end="")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"
