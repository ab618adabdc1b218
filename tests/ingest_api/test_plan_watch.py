"""A service that runs takes up a changed tracking plan, and keeps a broken one out."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from eventmill.core.plan_store import stored_types
from eventmill.core.settings import child_environment
from eventmill.core.tracking_plan import PLAN_FILE, load_plan, tracking_plan, use_plan
from ingest_api.metrics import Metrics
from ingest_api.plan_watch import PlanWatch
from tests.ingest_api.support import event, new_key, with_key
from tests.ingest_api.test_durability import database_away
from tests.support import environment, free_port, rows, scalar, wait_until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    copy = tmp_path / "plan.yml"
    copy.write_text(PLAN_FILE.read_text())
    return copy


def write(file: Path, **event_types: Any) -> None:
    """The packaged plan with these types more, or other."""
    plan = yaml.safe_load(PLAN_FILE.read_text())
    plan["event_types"] |= event_types
    new = file.with_suffix(".new")
    new.write_text(yaml.safe_dump(plan))
    new.replace(file)


@pytest.fixture
def service(database: str, file: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A real process, whose plan is `file`."""
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", "ingest_api.app:create_app", "--factory",
        "--port", str(port), "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    variables = child_environment(EVENTMILL_TRACKING_PLAN=str(file), EVENTMILL_RETENTION_DAYS="0")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    headers = with_key(new_key("publishable"))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers) as api:
        try:
            wait_until(lambda: answers(api))
            yield api
        finally:
            process.terminate()
            process.wait(30)


def answers(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def status_of(api: httpx.Client, path: str, body: dict[str, Any]) -> int:
    return api.post(path, json=body).status_code


def test_a_changed_plan_is_in_force_everywhere_and_a_broken_one_nowhere(
    service: httpx.Client, file: Path, connection: psycopg.Connection, tmp_path: Path
) -> None:
    first = service.get("/readyz").json()["plan"]
    assert first == load_plan(PLAN_FILE).hash
    shared = event(event_type="asset_shared", props={"where": "/a?email=a@b.example", "n": 1})
    assert status_of(service, "/v1/events", shared) == 422
    assert "asset_shared" not in service.get("/openapi.json").text

    definition = {
        "group": "asset", "description": "Shared.", "anonymous": True, "aliases": ["Told A Friend"],
        "props": {"where": "url", "n": "count"},
    }  # fmt: skip
    write(file, asset_shared=definition)
    wait_until(lambda: service.get("/readyz").json()["plan"] != first)
    second = service.get("/readyz").json()["plan"]
    assert second == load_plan(file).hash
    assert status_of(service, "/v1/events", shared) == 200
    wrong = {**shared, "props": {"n": -1}}
    assert status_of(service, "/v1/events", wrong) == 422
    call = {"event": "told a friend", "anonymousId": "a", "properties": {"n": 2}}
    assert status_of(service, "/v1/track", call) == 200
    found = rows(connection, "select event_type, props_json ->> 'where' from raw.events order by 2")
    assert found == [("asset_shared", "/a?email=redacted"), ("asset_shared", None)]
    assert "asset_shared" in service.get("/openapi.json").text
    registered = "select count(*) from raw.tracking_plan where event_type = 'asset_shared'"
    wait_until(lambda: scalar(connection, registered) == 1)

    write(file, asset_shared={**definition, "props": {"n": "no such definition"}})
    wait_until(lambda: "plan_problem" in service.get("/readyz").json())
    state = service.get("/readyz").json()
    assert (state["status"], state["plan"]) == ("ready", second)
    assert "no such definition" in state["plan_problem"]
    assert "eventmill_ingest_plan_current 0.0" in service.get("/metrics").text
    assert "no such definition" in (tmp_path / "log").read_text()
    assert status_of(service, "/v1/events", shared) == 200

    write(file)
    wait_until(lambda: service.get("/readyz").json()["plan"] == first)
    assert "plan_problem" not in service.get("/readyz").json()
    assert "eventmill_ingest_plan_current 1.0" in service.get("/metrics").text
    assert status_of(service, "/v1/events", shared) == 422


@pytest.fixture
def watch(database: str, file: Path) -> Iterator[PlanWatch]:
    before = tracking_plan()
    with environment(EVENTMILL_TRACKING_PLAN=str(file)):
        yield PlanWatch(Metrics())
    use_plan(before)


def look(watch: PlanWatch) -> None:
    asyncio.run(watch.look())


def test_a_file_that_is_being_written_is_left_alone(watch: PlanWatch, file: Path) -> None:
    before = tracking_plan()
    whole = file.read_text()
    file.write_text(whole[: whole.index("  asset_uploaded:")])
    look(watch)
    assert tracking_plan() is before
    write(file, asset_shared={"group": "asset", "description": "Shared."})
    look(watch)
    assert tracking_plan() is before
    look(watch)
    assert tracking_plan().event_types.keys() - before.event_types.keys() == {"asset_shared"}


@pytest.mark.parametrize("content", [b"version: [", b"\xff\xfe", b"version: 2020-13-45", b"", None])
def test_whatever_the_file_becomes_the_old_plan_stays(
    watch: PlanWatch, file: Path, content: bytes | None
) -> None:
    before = tracking_plan()
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    look(watch)
    look(watch)
    assert "tracking plan" in watch.problem
    assert tracking_plan() is before


def test_a_plan_is_stored_when_the_database_is_back(
    watch: PlanWatch, file: Path, database: str, connection: psycopg.Connection
) -> None:
    write(file, asset_shared={"group": "asset", "description": "Shared."})
    with database_away(database, connection):
        look(watch)
        look(watch)
        assert "asset_shared" in tracking_plan().event_types
    look(watch)
    assert "asset_shared" in stored_types(connection)
