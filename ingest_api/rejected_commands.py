"""`eventmill rejected`: list events that were rejected, show one, replay them."""

import json
from typing import Annotated, Any

import typer

app = typer.Typer(help="Events that were rejected: see them, replay them.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

LIST = """
select rejected_id, event_id::text, received_at, key_id, route, event, errors, replayed_at,
    replayed_as, count(*) over () as found
from raw.rejected_events
where %(all)s or replayed_at is null
order by rejected_id desc
limit %(limit)s
"""
SHOW = """
select rejected_id, event_id::text, received_at, key_id, route, sender, event, context, errors,
    replayed_at, replayed_as
from raw.rejected_events
where rejected_id = %s
"""


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    replayed: Annotated[
        bool, typer.Option("--all", help="Also those that a replay has stored.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List rejected events, newest first.

    Prints the id, time, type and sender of each, and what is wrong with it.
    """
    found = _rows(LIST, {"all": replayed, "limit": limit})
    if as_json:
        print(json.dumps([{k: v for k, v in row.items() if k != "found"} for row in found]))
        return
    for row in found:
        event = row["event"]
        kind = event.get("event_type") if isinstance(event, dict) else None
        state = f", replayed: {row['replayed_as']}" if row["replayed_as"] else ""
        received = row["received_at"][:19].replace("T", " ")
        sender = row["key_id"] or "no key"
        print(
            f"{row['rejected_id']}: {received} {str(kind or '(no type)')[:100]!a} ({sender}){state}"
        )
        for error in row["errors"]:
            print(f"    {error['field']}: {error['message']}")
    total = found[0]["found"] if found else 0
    print(f"{total:,} rejected event{'s' if total != 1 else ''}, {len(found):,} shown")


@app.command()
def show(
    rejected_id: Annotated[int, typer.Argument(metavar="ID", help="As `rejected list` has it.")],
) -> None:
    """Print everything that is known of a rejected event, as JSON.

    The exit status is 1 if there is no such event.
    """
    from eventmill.core.errors import ConfigurationError

    found = _rows(SHOW, (rejected_id,))
    if not found:
        raise ConfigurationError(f"there is no rejected event {rejected_id}")
    print(json.dumps(found[0], indent=2))


@app.command()
def replay(
    rejected_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="Which ones; without any: all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try rejected events again, after the tracking plan was corrected.

    An event is judged as it was sent: by its own sender and at its own time. It keeps its id and
    its visitor, so replaying twice adds nothing. Prints how many were accepted, how many were
    stored already and how many are still rejected; the exit status is 0 in each case.
    """
    import asyncio

    from eventmill.core.database import database_url
    from eventmill.core.opening import open_database
    from ingest_api.events import STATUSES
    from ingest_api.replay import replay as run

    open_database()
    found = asyncio.run(run(database_url(), rejected_ids or None))
    counts = {status: found[status] for status in STATUSES if status != "dropped"}
    if as_json:
        print(json.dumps(counts))
        return
    print(
        f"{counts['accepted']:,} accepted, {counts['duplicate']:,} were stored already,"
        f" {counts['rejected']:,} still rejected"
    )


def _rows(query: str, parameters: Any) -> list[dict[str, Any]]:
    """Rows as plain JSON; the event parsed, whatever odd values it holds."""
    from psycopg.rows import dict_row

    from eventmill.core.opening import open_connection

    with (
        open_connection("eventmill rejected") as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        found = cursor.execute(query.encode(), parameters).fetchall()
    for row in found:
        row["event"] = json.loads(row["event"])
        for name in ("received_at", "replayed_at"):
            row[name] = row[name].isoformat() if row[name] else None
    return found
