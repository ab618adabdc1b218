"""A running S3 server with a bucket, and the settings that lead to it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from tests.support import PROJECT_ROOT, environment
from tests.swift_server import ACCESS_KEY, SECRET_KEY

BUCKET = "files"
START_SECONDS = 60


@contextmanager
def running_s3(folder: Path) -> Iterator[str]:
    """URL of a server that keeps what it keeps in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "tests.swift_server", str(folder), str(port)]
    with (folder.parent / "s3.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=log, stderr=log)
        try:
            _wait(url, process, folder.parent / "s3.log")
            yield url
        finally:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url)  # whatever it says to who has not signed
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def client(url: str) -> Any:
    """A client that is not the one under test."""
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip


@contextmanager
def settings_for(url: str, prefix: str) -> Iterator[None]:
    """Exports go to the bucket, under `prefix`."""
    with environment(
        EVENTMILL_EXPORTS_URL=f"s3://{BUCKET}/{prefix}",
        EVENTMILL_EXPORTS_S3_ENDPOINT=url,
        EVENTMILL_EXPORTS_S3_ACCESS_KEY_ID=ACCESS_KEY,
        EVENTMILL_EXPORTS_S3_SECRET_ACCESS_KEY=SECRET_KEY,
    ):
        yield


def keys(s3: Any, prefix: str = "") -> list[str]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return sorted(entry["Key"] for entry in found)


def unfinished(s3: Any, prefix: str = "") -> list[str]:
    """Keys of uploads that were begun and never completed."""
    found = s3.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
    return sorted(entry["Key"] for entry in found)
