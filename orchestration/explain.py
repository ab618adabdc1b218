"""The command `eventmill explain`: where a number comes from, and why it changed."""

import json
from datetime import date
from typing import Annotated, Any, Literal

import typer

from eventmill.core.days import parse_day
from eventmill.core.errors import ConfigurationError
from orchestration.explained.question import METRICS, Question


def explain(
    table: Annotated[
        Literal["daily_metrics"], typer.Argument(help="The table that the number is in.")
    ],
    day: Annotated[str, typer.Option("--date", help="UTC day, YYYY-MM-DD.")],
    asset: Annotated[str | None, typer.Option(help="Id of an IP asset.")] = None,
    project: Annotated[str | None, typer.Option(help="Id of a project.")] = None,
    license_id: Annotated[str | None, typer.Option("--license", help="Id of a license.")] = None,
    metric: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(METRICS)}; by default all.")
    ] = None,
    events: Annotated[int, typer.Option(min=0, help="How many events to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Explain where a number comes from, and why it changed.

    Prints the numbers of a day and entity (without an id: the whole platform), when and by which
    definition they were built, the first events that make them, and why each rebuild changed them.
    """
    if license_id and (asset or project):
        raise ConfigurationError("no number is of a license and something else: name one")
    if metric and metric not in METRICS:
        raise ConfigurationError(f"no number is called {metric!r}: {', '.join(METRICS)}")
    from eventmill.core.opening import open_connection
    from orchestration.explained.explanation import explanation
    from orchestration.explained.text import text

    named = {"project_id": project, "ip_asset_id": asset, "license_id": license_id}
    ids = {name: value for name, value in named.items() if value is not None}
    with open_connection("eventmill explain") as connection:
        connection.execute("begin isolation level repeatable read read only")
        found = explanation(Question(connection, parse_day(day), ids, metric), events)
    if as_json:
        print(json.dumps(found, default=_plain))
    else:
        print("\n".join(text(found)))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
