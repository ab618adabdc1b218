"""`eventmill subjects`: everything held on a person is shown, and erased."""

import asyncio
import json
import sys
from contextlib import aclosing
from typing import Annotated

import typer

app = typer.Typer(help="Show everything held on a person, or erase it.", no_args_is_help=True)
SubjectId = Annotated[
    str, typer.Argument(metavar="ID", help="A user's id, an anonymous id or a visitor_id.")
]


@app.command()
def show(subject_id: SubjectId) -> None:
    """Print everything held on a person, as JSON.

    All ids that are linked with the one given count as the same person.
    """
    from eventmill.errors import ConfigurationError

    if not asyncio.run(_show(subject_id)):
        raise ConfigurationError("nothing is held on this id")


async def _show(subject_id: str) -> bool:
    """Whether anything is held."""
    from psycopg import AsyncConnection

    from eventmill.database import database_url
    from eventmill.erasure.document import document
    from eventmill.erasure.holdings import held
    from eventmill.erasure.subject import require_subject_id
    from eventmill.system import ensure_ready_database

    require_subject_id(subject_id)
    ensure_ready_database()
    is_held = False
    async with (
        await AsyncConnection.connect(database_url(), autocommit=True) as connection,
        aclosing(document(held(connection, subject_id), subject_id)) as parts,
    ):
        async for part in parts:
            sys.stdout.write(part)
            is_held = True
    return is_held


@app.command()
def erase(subject_id: SubjectId) -> None:
    """Erase a person for good, and print the certificate as JSON.

    Waits for a build that runs. Days that it touches are counted live at once and built again by
    the sensor; the files of the warehouse are rewritten before this ends. Exports are removed by
    the call of the dashboards API only.
    """
    certificate = asyncio.run(_erase(subject_id))
    print(certificate, flush=True)
    from eventmill.database import connect
    from eventmill.warehouse.erasing import erase_waiting

    with connect(autocommit=True, application="eventmill erase") as connection:
        erase_waiting(connection)


async def _erase(subject_id: str) -> str:
    from dataclasses import asdict

    from psycopg import AsyncConnection

    from eventmill.database import database_url
    from eventmill.erasure.erase import APPLICATION
    from eventmill.erasure.erase import erase as run
    from eventmill.system import ensure_ready_database

    ensure_ready_database()
    async with await AsyncConnection.connect(
        database_url(), autocommit=True, application_name=APPLICATION
    ) as connection:
        certificate = await run(connection, subject_id)
    return json.dumps({**asdict(certificate), "state": certificate.state}, default=str)
