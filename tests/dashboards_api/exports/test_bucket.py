"""Exports in a bucket of a real S3 server, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from dashboards_api.exports import making, queue
from tests import s3
from tests.dashboards_api.exports.conftest import ask, call, made, make_all, row_of
from tests.dashboards_api.exports.events import FIRST, LAST, events, insert
from tests.support import environment


@pytest.fixture(scope="module")
def s3_server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("s3") / "data"
    folder.mkdir()
    with s3.running_s3(folder) as url:
        s3.client(url).create_bucket(Bucket=s3.BUCKET)
        yield url


@pytest.fixture
def bucket(s3_server: str, database: str, tmp_path: Path) -> Iterator[Any]:
    """A client of the server; the settings point at a prefix of this test's own."""
    with s3.settings_for(s3_server, tmp_path.name):
        yield s3.client(s3_server)


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_file_in_a_bucket_is_that_of_a_folder(
    connection: psycopg.Connection, bucket: Any, tmp_path: Path, format_: str
) -> None:
    insert(connection, *events(300))
    in_bucket = made(connection, format_, FIRST, LAST)
    with environment(EVENTMILL_EXPORTS_URL=str(tmp_path / "exports")):
        assert made(connection, format_, FIRST, LAST) == in_bucket
    [key] = s3.keys(bucket, f"{tmp_path.name}/")
    assert key.endswith(f"/1-events-2026-03-01-2026-03-04.{format_}")


def test_an_interrupted_export_goes_on_and_leaves_no_upload(
    connection: psycopg.Connection, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(connection, *events(300))
    export_id = ask(connection, "jsonl", FIRST, LAST)
    real, begun = making.make_part, 0

    class Killed(BaseException):
        """Nothing of ours catches it, as nothing does a SIGKILL."""

    def killed(*arguments: Any) -> queue.Part:
        nonlocal begun
        begun += 1
        if begun == 3:
            key = f"{tmp_path.name}/{export_id}/2026-03-04.1.gz"
            bucket.create_multipart_upload(Bucket=s3.BUCKET, Key=key)
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(making, "make_part", killed)
    with pytest.raises(Killed):
        make_all()
    monkeypatch.undo()
    assert len(s3.keys(bucket, f"{tmp_path.name}/")) == 2
    assert len(s3.unfinished(bucket, f"{tmp_path.name}/")) == 1
    connection.execute("update ops.exports set heartbeat_at = now() - interval '1 hour'")
    make_all()
    row = row_of(connection, export_id)
    assert (row["state"], row["row_count"]) == ("done", 300)
    assert s3.keys(bucket, f"{tmp_path.name}/") == [f"{tmp_path.name}/{row['file_key']}"]
    assert s3.unfinished(bucket, f"{tmp_path.name}/") == []


def test_a_link_leads_to_the_bucket_until_the_export_is_removed(
    connection: psycopg.Connection, bucket: Any, tmp_path: Path
) -> None:
    insert(connection, *events(30))
    export_id = ask(connection, "csv", FIRST, LAST)
    make_all()
    with TestClient(create_app()) as client:
        path = f"/v1/exports/{export_id}"
        export = call(client, "GET", path).json()
        file = httpx.get(export["download_url"])
        assert file.status_code == 200
        assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert len(file.content) == export["bytes"]
        assert call(client, "DELETE", path).status_code == 204
        assert httpx.get(export["download_url"]).status_code == 404
    assert s3.keys(bucket, f"{tmp_path.name}/") == []


def test_a_bucket_that_is_away_is_said_and_tried_again(
    connection: psycopg.Connection, bucket: Any
) -> None:
    insert(connection, *events(30))
    with environment(EVENTMILL_EXPORTS_URL="s3://no-such-bucket"):
        export_id = ask(connection, "csv", FIRST, LAST)
        make_all()
    row = row_of(connection, export_id)
    assert row["state"] == "queued"
    assert "NoSuchBucket" in row["error"]
