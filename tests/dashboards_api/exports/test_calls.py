"""The calls: ask for an export, follow it, download it, remove it."""

import asyncio
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from dashboards_api.exports import links
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller
from eventmill.privacy.files import ERASED, remove_exports
from tests.dashboards_api.exports.conftest import ask, call, make_all, row_of
from tests.dashboards_api.exports.events import FIRST, LAST, events, insert
from tests.support import environment, rows, scalar, wait_until

BODY = {"format": "jsonl", "start": str(FIRST), "end": str(LAST)}
REASON = "Request 4711 of the data protection officer"
SECONDS = 60


@pytest.fixture
def client(connection: psycopg.Connection, folder: Path) -> Iterator[TestClient]:
    insert(connection, *events(50))
    with TestClient(create_app()) as started:
        yield started


def finished(client: TestClient, **body: Any) -> dict[str, Any]:
    """The answer about an export once it is over."""
    answer = call(client, "POST", "/v1/exports", json=BODY | body)
    assert answer.status_code == 202, answer.text
    export: dict[str, Any] = {}

    def is_over() -> bool:
        export.update(call(client, "GET", answer.headers["Location"]).json())
        return export["state"] not in ("queued", "running")

    wait_until(is_over, SECONDS)
    return export


def test_an_export_is_asked_for_followed_and_downloaded(
    client: TestClient, connection: psycopg.Connection
) -> None:
    answer = call(client, "POST", "/v1/exports", json=BODY | {"filters": {"source": "web"}})
    assert answer.status_code == 202
    asked = answer.json()
    assert answer.headers["Location"] == f"/v1/exports/{asked['export_id']}"
    assert asked["filters"] == {"source": ["web"]}
    assert asked["requested_by"] == "root"
    export = finished(client)
    assert export["state"] == "done"
    assert export["rows"] == 50
    assert export["progress"] == {
        "days": 4, "finished_days": 4, "rows": 50, "through": str(LAST)
    }  # fmt: skip
    file = client.get(export["download_url"])
    assert file.status_code == 200
    assert file.headers["Content-Type"] == "application/jsonl"
    assert int(file.headers["Content-Length"]) == export["bytes"] == len(file.content)
    name = 'attachment; filename="events-2026-03-01-2026-03-04.jsonl"'
    assert file.headers["Content-Disposition"] == name
    assert file.headers["Cache-Control"] == "private, no-store"
    assert len(file.content.split(b"\n")) == 51
    part = client.get(export["download_url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, file.content[10:20])


def test_a_link_that_was_changed_or_is_over_serves_nothing(client: TestClient) -> None:
    export = finished(client)
    other = finished(client)["export_id"]
    url = export["download_url"]
    expires = url.split("expires=")[1].split("&")[0]
    for wrong in (
        url.replace(f"expires={expires}", f"expires={int(expires) + 1}"),
        url.replace(export["export_id"], other),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.split("&signature")[0],
        url.split("signature=")[0] + "signature=%ED%A0%80",
    ):
        answer = client.get(wrong)
        assert answer.status_code == 403, wrong
        assert answer.json()["detail"] == links.INVALID
    past = int(time.time()) - 1
    over = f"expires={past}&signature={links.signature(export['export_id'], past)}"
    answer = client.get(f"{url.split('?')[0]}?{over}")
    assert (answer.status_code, answer.json()["detail"]) == (403, links.EXPIRED)
    assert client.get(url).status_code == 200


def test_a_link_works_as_long_as_the_setting_says_and_never_longer_than_the_file(
    client: TestClient, connection: psycopg.Connection
) -> None:
    with environment(EVENTMILL_EXPORTS_URL_SECONDS="120"):
        export = finished(client)
    expires = int(export["download_url"].split("expires=")[1].split("&")[0])
    assert 60 < expires - time.time() <= 120
    connection.execute("update ops.exports set expires_at = now() + interval '30 s'")
    again = call(client, "GET", f"/v1/exports/{export['export_id']}").json()
    assert int(again["download_url"].split("expires=")[1].split("&")[0]) - time.time() <= 30


def test_only_admins_reach_exports(client: TestClient) -> None:
    unknown = f"/v1/exports/{uuid4()}"
    for caller in (Caller("ana", "creator"), Caller("bo", "brand", "acme")):
        assert call(client, "POST", "/v1/exports", caller, json=BODY).status_code == 403
        for method, path in (("GET", "/v1/exports"), ("GET", unknown), ("DELETE", unknown)):
            assert call(client, method, path, caller).status_code == 403
    assert client.post("/v1/exports", json=BODY).status_code == 401
    for method in ("GET", "DELETE"):
        assert call(client, method, unknown).status_code == 404
        assert call(client, method, "/v1/exports/none").status_code == 422


def test_an_export_is_removed_with_its_file(
    client: TestClient, connection: psycopg.Connection, folder: Path
) -> None:
    export = finished(client)
    path = f"/v1/exports/{export['export_id']}"
    assert list(folder.rglob("*.jsonl"))
    for _ in range(2):
        assert call(client, "DELETE", path).status_code == 204
    assert not list(folder.iterdir())
    gone = call(client, "GET", path).json()
    assert (gone["state"], gone["download_url"]) == ("deleted", None)
    assert client.get(export["download_url"]).status_code == 404


def test_the_list_comes_in_pages_newest_first(
    client: TestClient, connection: psycopg.Connection
) -> None:
    ids = [finished(client)["export_id"] for _ in range(3)]
    first = call(client, "GET", "/v1/exports?limit=2").json()
    assert [export["export_id"] for export in first["exports"]] == ids[:0:-1]
    assert all(export["download_url"] is None for export in first["exports"])
    second = call(client, "GET", f"/v1/exports?cursor={first['next_cursor']}").json()
    assert [export["export_id"] for export in second["exports"]] == ids[:1]
    assert second["next_cursor"] is None
    assert call(client, "GET", f"/v1/exports?cursor={uuid4()}").json()["exports"] == []
    assert call(client, "GET", "/v1/exports?limit=0").status_code == 422


def test_every_export_and_each_link_to_personal_data_is_recorded(
    client: TestClient, connection: psycopg.Connection
) -> None:
    finished(client)
    export = finished(client, include_personal_data=True, reason=REASON)
    assert export["reason"] == REASON
    log = rows(connection, "select actor, action, detail from ops.audit_log order by audit_id")
    assert {actor for actor, _, _ in log} == {"root"}
    assert [action for _, action, _ in log] == [
        "export.created", "export.created", "export.downloaded"
    ]  # fmt: skip
    # The log outlives whom a reason or a filter may name: it has hashes to hold the texts against.
    assert REASON not in str(log)
    assert log[1][2]["reason_hash"] == scalar(connection, "select ops.subject_hash(%s)", REASON)
    assert (log[0][2]["reason_hash"], log[0][2]["filters_hash"]) == (
        None,
        log[1][2]["filters_hash"],
    )
    assert log[1][2]["include_personal_data"] is True
    assert log[2][2] == {"export_id": export["export_id"]}


def test_days_that_the_retention_removed_are_said(
    client: TestClient, connection: psycopg.Connection
) -> None:
    connection.execute("insert into raw.dropped_days (day, events) values (%s, 7)", (FIRST,))
    assert finished(client)["dropped_days"] == 1


def test_erasing_somebody_removes_the_exports_of_those_days(
    connection: psycopg.Connection, folder: Path, database: str
) -> None:
    insert(connection, *events(50))
    hit = ask(connection, "csv", FIRST, LAST)
    other = ask(connection, "csv", LAST, LAST)
    make_all()
    waiting = ask(connection, "csv", FIRST, FIRST)

    async def erase() -> list[Any]:
        async with await psycopg.AsyncConnection.connect(database) as erasing:
            return await remove_exports(erasing, [date(2020, 1, 1), FIRST])

    assert set(asyncio.run(erase())) == {hit, waiting}
    make_all()
    for export_id in (hit, waiting):
        row = row_of(connection, export_id)
        assert (row["state"], row["file_key"], row["error"]) == ("erased", None, ERASED)
    assert row_of(connection, other)["state"] == "done"
    assert [path.name for path in folder.iterdir()] == [str(other)]
    assert get_settings().exports_location == str(folder)
