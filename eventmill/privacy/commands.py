"""`eventmill subjects`: show everything held on a person, or erase it."""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from eventmill.core.opening import open_database
from eventmill.privacy.audit import Operator
from eventmill.privacy.erase import erase as erase_person
from eventmill.privacy.erase import preview
from eventmill.privacy.holdings import everything_held
from eventmill.privacy.statements import connect_async

app = typer.Typer(help="Show everything held on a person, or erase it.", no_args_is_help=True)
SubjectId = Annotated[
    str, typer.Argument(metavar="ID", help="A user's id, an anonymous id or a visitor_id.")
]
Included = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="ID",
        help="A claimed id that is this person's after all. May be repeated.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would go, and change nothing.")]


@app.command()
def show(subject_id: SubjectId, include: Included = None) -> None:
    """Print everything held on a person, as JSON.

    Ids that a server or the user's own token linked with the one given count as the same person.
    Those that only a browser claimed are listed, with when, by which key, and how many events they
    would add; --include follows them. The audit log records the call. The exit status is 1 if
    nothing is held on the person.
    """

    async def write() -> None:
        async for part in everything_held(subject_id, Operator.of_this_process(), include or ()):
            sys.stdout.write(part)

    open_database()
    asyncio.run(write())


@app.command()
def erase(subject_id: SubjectId, include: Included = None, dry_run: DryRun = False) -> None:
    """Erase a person for good, and print the certificate as JSON.

    Ids that a server or the user's own token linked with the one given count as the same person,
    and claimed ones that --include names. Waits until no build runs. Exports that cover a day of
    the person are removed. The person's days are counted live at once; Dagster's sensors build
    them again and rewrite the warehouse's files. The audit log records the call.
    """

    async def run() -> str:
        async with await connect_async() as connection:
            asked = (connection, subject_id, Operator.of_this_process())
            if dry_run:
                would = await preview(*asked, include=include or ())
                return json.dumps(asdict(would), default=str)
            done = await erase_person(*asked, include=include or ())
        return json.dumps({**asdict(done), "state": done.state}, default=str)

    open_database()
    print(asyncio.run(run()))
