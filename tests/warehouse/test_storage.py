"""A folder and a bucket keep files alike: whole or not at all, and nothing once cleared."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from eventmill.warehouse import Root, StorageError, open_root
from eventmill.warehouse.bucket import PART_BYTES
from eventmill.warehouse.folder import Folder
from tests import s3
from tests.support import environment, wait_until

NAME = 'attachment; filename="events.csv"'


@pytest.fixture(scope="module")
def s3_server(
    processes: None, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("s3") / "data"
    folder.mkdir()
    with s3.running_s3(folder) as url:
        s3.client(url).create_bucket(Bucket=s3.BUCKET)
        yield url


@pytest.fixture(params=["folder", "bucket"])
def storage(processes: None, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Root]:
    if request.param == "folder":
        yield open_root(str(tmp_path / "files"), of="exports")
        return
    with s3.settings_for(request.getfixturevalue("s3_server"), f"tests/{tmp_path.name}/"):
        yield open_root(of="exports")


def test_a_file_is_read_as_it_was_written(storage: Root) -> None:
    # Of no round size, in chunks of no round size, and in three parts in a bucket.
    chunks = [os.urandom(777_777) for _ in range(2 * PART_BYTES // 777_777 + 3)]
    size = sum(map(len, chunks))
    assert size > 2 * PART_BYTES
    assert storage.write("one/big", iter(chunks)) == size
    assert b"".join(storage.read("one/big")) == b"".join(chunks)
    assert storage.write("one/small", [b"a", b"", b"b"]) == 2
    assert b"".join(storage.read("one/small")) == b"ab"
    assert storage.write("one/empty", []) == 0
    assert b"".join(storage.read("one/empty")) == b""


def test_a_file_is_there_whole_or_not_at_all(storage: Root) -> None:
    def broken() -> Iterator[bytes]:
        yield os.urandom(PART_BYTES + 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.write("one/broken", broken())
    assert not storage.has("one/broken")
    storage.clear("one")
    assert storage.folders() == []
    with pytest.raises(StorageError, match="one/broken cannot be read"):
        list(storage.read("one/broken"))


def test_an_owners_files_are_removed_together(storage: Root) -> None:
    for key in ("one/a", "one/b", "one/c", "two/a", "onetwo/a"):
        storage.write(key, [b"x"])
    assert storage.folders() == ["one", "onetwo", "two"]
    storage.clear("one", keep=["one/b"])
    assert [storage.has(key) for key in ("one/a", "one/b", "one/c")] == [False, True, False]
    storage.remove("one/b")
    storage.remove("one/b")
    storage.clear("one")
    storage.clear("nobody")
    assert storage.folders() == ["onetwo", "two"]


def test_what_a_killed_process_left_in_a_folder_is_removed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x.unfinished").write_text("half")
    assert folder.folders() == ["one"]
    folder.clear("one")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_in_a_bucket_is_removed(s3_server: str) -> None:
    client: Any = s3.client(s3_server)
    upload = client.create_multipart_upload(Bucket=s3.BUCKET, Key="left/one/x")["UploadId"]
    client.upload_part(
        Bucket=s3.BUCKET, Key="left/one/x", UploadId=upload, PartNumber=1, Body=b"x" * 6_000_000
    )
    with s3.settings_for(s3_server, "left"):
        bucket = open_root(of="exports")
        assert bucket.folders() == ["one"]
        assert s3.unfinished(client, "left/") == ["left/one/x"]
        bucket.clear("one")
    assert s3.unfinished(client, "left/") == []


def test_a_link_to_a_file_in_a_bucket_works_for_its_time_and_as_it_was_signed(
    s3_server: str,
) -> None:
    with s3.settings_for(s3_server, "links"):
        bucket = open_root(of="exports")
        bucket.write("one/file", [b"content"], download=("events.csv", "text/csv"))
        large = [b"x" * 1_000_000] * (PART_BYTES // 1_000_000 + 2)
        bucket.write("one/large", large, download=("events.csv", "text/csv"))
        url = bucket.link("one/file", 60)
        short = bucket.link("one/file", 1)
        url_of_large = bucket.link("one/large", 60)
    assert url
    assert url_of_large
    for link, content in ((url, b"content"), (url_of_large, b"".join(large))):
        answer = httpx.get(link)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["Content-Disposition"] == NAME
        assert answer.headers["Content-Type"] == "text/csv"
    for wrong in (
        url.replace("one/file", "one/other"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
        url.split("?")[0],
    ):
        # Swift calls a request that nobody signed a bad one.
        assert httpx.get(wrong).status_code in (400, 403), wrong
    assert short
    wait_until(lambda: httpx.get(short).status_code != 200, 30)
    assert httpx.get(short).status_code == 403


def test_a_storage_that_does_not_answer_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match="one/x cannot be written: Not a directory"):
        open_root(str(tmp_path / "file")).write("one/x", [b"x"])
    with s3.settings_for("http://127.0.0.1:1", "x"):
        bucket = open_root(of="exports")
        with pytest.raises(StorageError, match="one/x cannot be looked up"):
            bucket.has("one/x")


def test_a_wrong_key_is_an_error_and_no_empty_bucket(s3_server: str) -> None:
    with (
        s3.settings_for(s3_server, "x"),
        environment(EVENTMILL_EXPORTS_S3_SECRET_ACCESS_KEY="wrong"),
        pytest.raises(StorageError, match="SignatureDoesNotMatch"),
    ):
        open_root(of="exports").folders()
