"""`eventmill warehouse load`: exported days into the data team's own warehouse."""

import json
import sys
from typing import Annotated

import typer

from eventmill.days import DayWindow, parse_day
from eventmill.errors import ConfigurationError
from eventmill.warehouse_commands import JsonOption


def load(
    start: Annotated[str | None, typer.Argument(help="First UTC day, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Argument(help="Last UTC day, inclusive.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Load exported days into the warehouse of EVENTMILL_WAREHOUSE_DESTINATION.

    All days, or START to END; of these, the ones that were exported anew since they were loaded. A
    day that is loaded again replaces its rows and no others. A load that was cut off goes on with
    the next call.
    """
    from eventmill.database import connect
    from eventmill.system import ensure_ready_database
    from eventmill.warehouse import open_root
    from eventmill.warehouse.loading import DayLoaded
    from eventmill.warehouse.loading import load as load_days

    if (start is None) != (end is None):
        raise ConfigurationError("a range has two ends: give START and END, or neither")
    window = DayWindow(parse_day(start), parse_day(end)) if start and end else None

    def say(done: DayLoaded, number: int, total: int) -> None:
        rows = sum(done.rows.values())
        print(f"{done.day}: {rows:,} rows, {number} of {total} days", file=sys.stderr, flush=True)

    ensure_ready_database()
    with connect(autocommit=True, application="eventmill warehouse") as connection:
        outcome = load_days(connection, open_root(), window, say)
    if as_json:
        print(json.dumps(outcome.as_json()))
    else:
        print(
            f"loaded {len(outcome.days)} days, {outcome.rows:,} rows into {outcome.destination},"
            f" dataset {outcome.dataset}; {outcome.unchanged} days were there already"
        )
