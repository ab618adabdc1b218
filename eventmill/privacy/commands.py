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
    from eventmill.core.errors import ConfigurationError
    from eventmill.core.opening import open_database

    open_database()
    if not asyncio.run(_show(subject_id)):
        raise ConfigurationError("nothing is held on this id")


async def _show(subject_id: str) -> bool:
    """Whether anything is held."""
    from psycopg import AsyncConnection

    from eventmill.core.database import database_url
    from eventmill.privacy.document import document
    from eventmill.privacy.holdings import held
    from eventmill.privacy.subject import require_subject_id

    require_subject_id(subject_id)
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
    from eventmill.core.opening import open_connection, open_database
    from eventmill.warehouse.erasing import erase_waiting

    open_database()
    certificate = asyncio.run(_erase(subject_id))
    print(certificate, flush=True)

    with open_connection("eventmill erase") as connection:
        erase_waiting(connection)


async def _erase(subject_id: str) -> str:
    from dataclasses import asdict

    from psycopg import AsyncConnection

    from eventmill.core.database import database_url
    from eventmill.privacy.erase import APPLICATION
    from eventmill.privacy.erase import erase as run

    async with await AsyncConnection.connect(
        database_url(), autocommit=True, application_name=APPLICATION
    ) as connection:
        certificate = await run(connection, subject_id)
    return json.dumps({**asdict(certificate), "state": certificate.state}, default=str)
