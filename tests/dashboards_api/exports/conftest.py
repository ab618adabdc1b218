"""A database with events, a folder for files, and exports made in this process."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from dashboards_api.exports.worker import run_one
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue
from eventmill.warehouse import Root, open_root
from tests.support import environment

INSERT = """
insert into ops.exports (
    requested_by, format, first_day, last_day, filters, include_personal_data, reason, storage
)
values ('root', %s, %s, %s, %s, %s, %s, %s)
returning export_id
"""


@pytest.fixture
def folder(database: str, tmp_path: Path) -> Iterator[Path]:
    """Where exports go; the settings point at it."""
    with environment(EVENTMILL_EXPORTS_URL=str(tmp_path / "exports")):
        yield tmp_path / "exports"


def ask(
    connection: psycopg.Connection, format_: str, first: object, last: object,
    personal: bool = True, **filters: list[str],
) -> UUID:  # fmt: skip
    """An export that waits to be made."""
    reason = "a test of the whole file" if personal else None
    storage = get_settings().exports_location
    values = (format_, first, last, Jsonb(filters), personal, reason, storage)
    row = connection.execute(INSERT, values).fetchone()
    assert row is not None
    export_id: UUID = row[0]
    return export_id


def row_of(connection: psycopg.Connection, export_id: UUID) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("select * from ops.exports where export_id = %s", (export_id,))
        row = cursor.fetchone()
    assert row is not None
    return row


def make_all() -> None:
    """Make whatever waits."""
    while run_one(threading.Event()):
        pass


def storage() -> Root:
    return open_root(of="exports")


def made(
    connection: psycopg.Connection, format_: str, first: object, last: object,
    personal: bool = True, **filters: list[str],
) -> bytes:  # fmt: skip
    """The file of an export, made here and now."""
    export_id = ask(connection, format_, first, last, personal, **filters)
    make_all()
    row = row_of(connection, export_id)
    assert row["state"] == "done", row["error"]
    content = b"".join(storage().read(row["file_key"]))
    assert len(content) == row["byte_count"]
    return content


def call(
    client: TestClient, method: str, path: str, caller: Caller | None = None, **options: Any
) -> Response:
    """A call with the caller's token, by default an admin's."""
    token = issue(caller or Caller("root", "admin"))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer: Response = client.request(method, path, headers=headers, **options)
    return answer
