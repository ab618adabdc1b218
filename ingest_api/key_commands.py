"""`eventmill keys`: make, list and revoke write keys."""

from typing import Annotated, cast

import orjson
import typer
from rich.console import Console
from rich.table import Table

from eventmill.core.opening import open_connection
from ingest_api.keys import KeyKind, create_key, key_label, list_keys, revoke_key

app = typer.Typer(
    help="Make, list and revoke the write keys that events are sent with.", no_args_is_help=True
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as `web shop`.")],
    kind: Annotated[
        str, typer.Option(help="publishable (may stand in a web page) or secret (for servers).")
    ],
) -> None:
    """Make a write key, and print it.

    Prints the key and nothing else. It cannot be shown again: the database keeps only its hash.
    """
    with open_connection("eventmill keys", to_store=True) as connection:
        print(create_key(connection, name, cast("KeyKind", kind)))


@app.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List every write key ever made, revoked ones too.

    Prints the id, kind, name and times of each, and no keys: these are not kept.
    """
    with open_connection("eventmill keys") as connection:
        keys = list_keys(connection)
    if as_json:
        print(orjson.dumps(keys).decode())
        return
    table = Table("key id", "kind", "name", "created", "revoked", "in metrics", box=None)
    for key in keys:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(
            key.key_id,
            key.kind,
            key.name,
            f"{key.created_at:%Y-%m-%d %H:%M}",
            revoked,
            key_label(key.key_id),
        )
    Console(soft_wrap=True, markup=False, highlight=False).print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it.")],
) -> None:
    """Make a write key worthless, for good.

    Running services notice within ten seconds. The exit status is 1 if there is no such key.
    """
    with open_connection("eventmill keys") as connection:
        revoke_key(connection, key_id)
    print(f"revoked {key_id}")
