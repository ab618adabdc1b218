"""The dashboards API and `eventmill subjects` do the same: what either leaves is compared."""

import json
import os
import pwd
import re
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql

from dashboards_api.app import create_app
from eventmill.core.database import connect
from eventmill.core.days import ONE_DAY
from eventmill.core.tokens import Caller, issue
from eventmill.runner.embedded import BIN, EmbeddedPostgres
from eventmill.warehouse import open_root, tables
from eventmill.warehouse.erasing import erase_waiting
from eventmill.warehouse.exporting import export_day
from tests.databases import new_database
from tests.dbt_project.warehouse import Warehouse
from tests.privacy.support import (
    ANN,
    DAY,
    DEVICES,
    PEOPLE,
    TABLES,
    add_ann,
    add_mentions,
    add_others,
    places,
)  # fmt: skip
from tests.support import environment, rows, run_eventmill, scalar

LAST = DAY + 3 * ONE_DAY
ONLY_MODELS = ("--exclude-resource-type", "test", "unit_test")
ME = pwd.getpwuid(os.getuid()).pw_name
# What two erasures of the same person differ in: when, random ids and pseudonyms, and transactions.
DIFFERS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|erased-[0-9a-f]{16}"
    r"|\d{8}T\d{6}-[0-9a-f]{8}|\b[0-9a-f]{32}\b"
    r"|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00(?::00)?|Z)?"
)
BOOKKEEPING = {
    "last_xid", "asked_xid", "changed_xid", "writer", "touched_at", "audit_id", "at",
    "pseudonym_key", "bytes",
}  # fmt: skip


NOTED = "ops.warehouse_erasures"


@contextmanager
def system(server: EmbeddedPostgres, folder: Path) -> Iterator[tuple[str, Path]]:
    """A copy of the world with files of its own: a warehouse, and an export of each of two days."""
    with (
        new_database(server, "door", "door_world") as url,
        environment(EVENTMILL_WAREHOUSE_URL=str(folder / "warehouse")),
        connect(url, autocommit=True) as connection,
    ):
        for day in (DAY, LAST):
            [(export_id,)] = rows(
                connection,
                "insert into ops.exports (requested_by, format, first_day, last_day, storage,"
                " state, file_key, include_personal_data, expires_at)"
                " values ('root', 'csv', %s, %s, %s, 'done', 'x', false, now() + interval '1 day')"
                " returning export_id::text",
                day, day, str(folder / "exports"),
            )  # fmt: skip
            key = f"{export_id}/1-events-{day}-{day}.csv"
            connection.execute("update ops.exports set file_key = %s where file_key = 'x'", (key,))
            file = folder / "exports" / key
            file.parent.mkdir(parents=True)
            file.write_text(f"rows of {day}")
        root = open_root()
        for day in (DAY, LAST):
            export_day(connection, root, day, tables(), None)
        yield url, folder


@pytest.fixture
def world(server: EmbeddedPostgres, warehouse: Warehouse) -> Iterator[None]:
    """A template with everybody in it, built; its database is that of `warehouse`."""
    with connect(warehouse.url, autocommit=True) as connection:
        add_others(connection)
        add_ann(connection)
        add_mentions(connection)
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    with new_database(server, "door_world", "privacy"):
        yield


def left(url: str, folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Table → rows, and file → content, without what two erasures differ in."""
    with connect(url, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        found = {}
        for schema, table in rows(connection, TABLES):
            query = sql.SQL("select to_jsonb(t) from {} as t").format(sql.Identifier(schema, table))
            found[f"{schema}.{table}"] = sorted(
                plain({k: v for k, v in row.items() if k not in BOOKKEEPING}, folder)
                for (row,) in connection.execute(query)
            )
    files = {
        plain(str(file.relative_to(folder)), folder): plain(contents(file), folder)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    return found, files


def plain(content: Any, folder: Path) -> str:
    return DIFFERS.sub("…", json.dumps(content, sort_keys=True).replace(str(folder), "<folder>"))


def contents(file: Path) -> Any:
    import pyarrow.parquet as pq

    if file.suffix == ".parquet":
        return sorted(DIFFERS.sub("…", str(row)) for row in pq.read_table(file).to_pylist())
    return "…" if file.suffix == ".duckdb" else len(file.read_text(errors="replace")) > 0


def assert_dump_without(url: str, ids: Collection[str]) -> None:
    """Nor is there anything of them where no table shows it, such as in comments and settings."""
    command = [BIN / "pg_dump", f"--exclude-table={NOTED}", f"--dbname={url}"]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "COPY raw.events_" in dumped
    assert [line for line in dumped.splitlines() if any(id_ in line for id_ in ids)] == []


def audit(url: str) -> list[tuple[Any, ...]]:
    query = """
    select actor, actor_role, action, subject_hash = ops.subject_hash(%s), detail - 'erasure_id'
    from ops.audit_log order by audit_id
    """
    with connect(url, autocommit=True) as connection:
        return rows(connection, query, ANN)


def by_api(url: str) -> tuple[Any, Any]:
    headers = {"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"}
    with TestClient(create_app()) as client:
        shown = client.get(f"/v1/subjects/{ANN}", headers=headers)
        erased = client.delete(f"/v1/subjects/{ANN}", headers=headers)
        again = client.get(f"/v1/subjects/{ANN}", headers=headers)
    assert (shown.status_code, erased.status_code, again.status_code) == (200, 200, 404)
    return shown.json(), erased.json()["removed"]


def by_command(url: str) -> tuple[Any, Any]:
    shown = run_eventmill("subjects", "show", ANN)
    erased = run_eventmill("subjects", "erase", ANN)
    again = run_eventmill("subjects", "show", ANN)
    assert (shown.returncode, erased.returncode, again.returncode) == (0, 0, 1), erased.stderr
    return json.loads(shown.stdout), json.loads(erased.stdout)["removed"]


def test_both_doors_leave_the_same(server: EmbeddedPostgres, world: None, tmp_path: Path) -> None:
    results = []
    for name, door in (("api", by_api), ("command", by_command)):
        with system(server, tmp_path / name) as (url, folder):
            shown, removed = door(url)
            noted = left(url, folder)
            with connect(url, autocommit=True) as connection:
                erase_waiting(connection)  # as the sensor does for both
                # The note stays until the day is built again (tests/warehouse/test_erasure.py).
                assert {name for name, _ in places(connection, PEOPLE)} == {NOTED}
                assert rows(connection, "select name from ops.reports where name = 'Mine'") == []
            assert_dump_without(url, PEOPLE)
            results.append((plain(shown, folder), removed, noted, left(url, folder), audit(url)))
    api, command = results
    for number, of_both in enumerate(zip(api[2:4], command[2:4], strict=True)):
        (tables_api, files_api), (tables_command, files_command) = of_both
        assert tables_api.keys() == tables_command.keys()
        for table, rows_api in tables_api.items():
            if table != "ops.audit_log":
                assert rows_api == tables_command[table], f"{table} at {number}"
        assert files_api == files_command
    assert api[:2] == command[:2]
    exports = [file for file in api[2][1] if file.startswith('"exports/')]
    assert len(exports) == 1, "the export of Ann's day is gone, the other is not"
    assert api[2][0][NOTED], "the warehouse's files are noted"
    assert ANN not in str(api[3][1])
    done = [
        ("subject.read", True, {"found": True}),
        ("subject.erased", True, {}),
        ("subject.read", True, {"found": False}),
    ]
    assert api[4] == [("root", "admin", *rest) for rest in done]
    assert command[4] == [(ME, "os_user", *rest) for rest in done]


def test_whose_an_event_is(connection: psycopg.Connection) -> None:
    """Every case of the rule that erasure, ingest and the warehouse's files ask for."""
    nullable = {"actor_id": "actor", "anonymous_id": "device", "user_id": "user", "visitor_id": "v"}
    for trust, kind, *given in product(
        (1, 2, 3, None), (None, "user", "system"), *((None, id_) for id_ in nullable.values())
    ):
        event = {"trust": trust, "actor_type": kind, **dict(zip(nullable, given, strict=True))}
        actor, device, user, visitor = given
        # A device is never a user, whatever it spells; what a browser says of a user is a claim.
        spelled = f"anon:{device}" if device else None
        if actor and kind != "system":
            people = {actor}
        elif actor:
            people = {spelled, user}
        else:
            people = {spelled or (visitor and f"hash:{visitor}"), user if trust != 1 else None}
        query = "select raw.event_people(jsonb_populate_record(null::raw.events, %s::jsonb))"
        assert set(scalar(connection, query, json.dumps(event))) == people - {None}, event


def test_nobody_is_shown_where_it_cannot_be_recorded(
    world: None, server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with system(server, tmp_path) as (url, _), connect(url, autocommit=True) as connection:
        before = scalar(connection, "select count(*) from raw.events")
        connection.execute("alter table ops.audit_log rename to away")
        headers = {"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"}
        with TestClient(create_app()) as client:
            for method in ("GET", "DELETE"):
                answer = client.request(method, f"/v1/subjects/{ANN}", headers=headers)
                assert answer.status_code == 503
                assert DEVICES[0] not in answer.text
        for command in ("show", "erase"):
            done = run_eventmill("subjects", command, ANN)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.strip() == "eventmill: the audit log cannot be written"
        assert scalar(connection, "select count(*) from raw.events") == before
