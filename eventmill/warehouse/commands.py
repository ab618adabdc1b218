"""`eventmill warehouse`: export days, list them, query them in SQL, load them elsewhere."""

import csv
import itertools
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Shown

from eventmill.core.days import DayWindow, parse_day
from eventmill.core.errors import ConfigurationError
from eventmill.core.opening import open_connection
from eventmill.warehouse import open_root, tables

app = typer.Typer(help="Ask the warehouse's files, list them, export days.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
# Longer answers are for a file: --csv and --json print all rows.
MOST_SHOWN = 1_000


@app.command("sql")
def ask_sql(
    query: Annotated[str, typer.Argument(help="In DuckDB's SQL, such as `select …`.")],
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Query the exported days in SQL.

    Tables: events, attribution, daily_metrics, sessions, conversion_credits. No server is needed.
    Prints a table of at most 1,000 rows; `--json` and `--csv` print all of them.
    """
    from eventmill.warehouse.catalog import ask

    with ask(open_root(), query) as answer:
        if as_json:
            _print_json(answer.columns, answer.rows)
        elif as_csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(answer.columns)
            writer.writerows(answer.rows)
        else:
            table = Shown(*answer.columns, box=None)
            for row in itertools.islice(answer.rows, MOST_SHOWN):
                table.add_row(*("" if value is None else str(value) for value in row))
            Console(soft_wrap=True, markup=False, highlight=False).print(table)
            if next(answer.rows, None) is not None:
                print(f"only the first {MOST_SHOWN:,} rows: --csv prints all", file=sys.stderr)


def _print_json(columns: list[str], rows: Any) -> None:
    """An array with an object for each row, a line each."""
    print("[", end="")
    for number, row in enumerate(rows):
        line = json.dumps(dict(zip(columns, row, strict=True)), default=str, ensure_ascii=False)
        print((",\n" if number else "") + line, end="")
    print("]")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Print which days are exported, and which built days are not.

    One line for each table: its days, rows and size. The exit status is 0 also when days wait.
    """
    from eventmill.warehouse.status import report

    with open_connection("eventmill warehouse") as connection:
        found = report(connection)
    if as_json:
        print(json.dumps(found))
        return
    print(f"{found['location']}, exports are {'on' if found['export'] else 'off'}")
    table = Shown("table", "days", "from", "to", "rows", "MB", "schema", box=None)
    for row in found["tables"]:
        table.add_row(
            row["table"], str(row["days"]), row["first_day"], row["last_day"], f"{row['rows']:,}",
            f"{row['bytes'] / 1e6:,.1f}", str(row["schema_version"]),
        )  # fmt: skip
    Console(soft_wrap=True, markup=False, highlight=False).print(table)
    waiting = found["waiting_days"]
    if waiting:
        print(f"built and not exported: {len(waiting)} days, {waiting[0]} to {waiting[-1]}")


@app.command()
def export(
    start: Annotated[str, typer.Argument(help="First UTC day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Argument(help="Last UTC day, inclusive.")],
    as_json: JsonOption = False,
) -> None:
    """Export the built days START to END, and wait for it.

    Exporting a day again replaces it; days that are not built are left out. Prints how many days,
    rows and bytes were written. Dagster exports each day by itself after its build
    (EVENTMILL_WAREHOUSE_EXPORT), and in its UI the assets `export_…` do the same.
    """
    from eventmill.warehouse.catalog import write_catalog
    from eventmill.warehouse.exporting import built_days_of, export_day
    from eventmill.warehouse.pseudonyms import pseudonyms_for
    from eventmill.warehouse.references import export_references

    window = DayWindow(parse_day(start), parse_day(end))
    root = open_root()
    pseudonyms = pseudonyms_for(root.url)
    rows = size = 0
    with open_connection("eventmill warehouse") as connection:
        chosen = built_days_of(connection, window)
        for number, day in enumerate(chosen, start=1):
            written = export_day(connection, root, day, tables(), pseudonyms)
            rows += sum(done.rows for done in written)
            size += sum(done.total_bytes for done in written)
            print(f"{day}: {number} of {len(chosen)} days", file=sys.stderr, flush=True)
        export_references(connection, root, pseudonyms)
    write_catalog(root)
    if as_json:
        print(json.dumps({"days": len(chosen), "rows": rows, "bytes": size, "location": root.url}))
    else:
        print(f"exported {len(chosen)} days, {rows:,} rows, {size / 1e6:,.1f} MB to {root.url}")


@app.command()
def load(
    start: Annotated[str | None, typer.Argument(help="First UTC day, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Argument(help="Last UTC day, inclusive.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Load exported days into the warehouse of EVENTMILL_WAREHOUSE_DESTINATION.

    Loads all days, or START to END, but only those that were exported again since they were loaded.
    A day that is loaded again replaces its rows and no others. Prints how many days and rows were
    loaded. When a load is interrupted, the next call goes on where it was.
    """
    from eventmill.warehouse.loading import DayLoaded
    from eventmill.warehouse.loading import load as load_days

    if (start is None) != (end is None):
        raise ConfigurationError("a range has two ends: give START and END, or neither")
    window = DayWindow(parse_day(start), parse_day(end)) if start and end else None

    def say(done: DayLoaded, number: int, total: int) -> None:
        rows = sum(done.rows.values())
        print(f"{done.day}: {rows:,} rows, {number} of {total} days", file=sys.stderr, flush=True)

    with open_connection("eventmill warehouse") as connection:
        outcome = load_days(connection, open_root(), window, say)
    if as_json:
        print(json.dumps(outcome.as_json()))
    else:
        print(
            f"loaded {len(outcome.days)} days, {outcome.rows:,} rows into {outcome.destination},"
            f" dataset {outcome.dataset}; {outcome.unchanged} days were there already"
        )
