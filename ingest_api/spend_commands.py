"""`eventmill spend`: load and list the cost of advertising."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eventmill.core.opening import open_connection
from ingest_api.spend import load_spend, loaded_spend, read_spend

app = typer.Typer(help="Load the cost of advertising, and list it.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8, with a header line.")],
    as_json: JsonOption = False,
) -> None:
    """Load a CSV file of costs, all of it or nothing.

    Required columns: date, source, currency, and cost (12.34) or cost_cents. Optional ones:
    project_id, medium, campaign, term, content, impressions, clicks. The file replaces what was
    loaded before for the dates, projects, sources, media and campaigns that it names. The brand of
    a project sees what the project cost; cost without a project is the platform's own.

    Prints how many rows were added and replaced. If a line is wrong, nothing is loaded, the exit
    status is 1, and the message names line and column.
    """
    with open_connection("eventmill spend", to_store=True) as connection:
        removed, added = load_spend(connection, read_spend(connection, file))
    if as_json:
        print(json.dumps({"added": added, "replaced": removed}))
    else:
        print(f"{added} rows loaded" + (f" in place of {removed}" if removed else ""))


@app.command("list")
def show(as_json: JsonOption = False) -> None:
    """List the loaded costs: days and sum of each campaign and currency."""
    with open_connection("eventmill spend") as connection:
        found = loaded_spend(connection)
    if as_json:
        print(json.dumps([{**row, "loaded_at": row["loaded_at"].isoformat()} for row in found]))
        return
    columns = ("project", "source", "medium", "campaign", "days", "rows", "cost", "loaded")
    table = Table(*columns, box=None)
    for row in found:
        cost = f"{row['cost_cents'] // 100}.{row['cost_cents'] % 100:02} {row['currency']}"
        table.add_row(
            row["project_id"] or "", row["source"], row["medium"] or "", row["campaign"] or "",
            f"{row['first_day']} to {row['last_day']}", str(row["rows"]), cost,
            f"{row['loaded_at']:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    Console(soft_wrap=True, markup=False, highlight=False).print(table)
