"""Days that are built for real, and an empty warehouse for each test."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from eventmill.core.database import connect
from eventmill.core.days import DayWindow
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.warehouse import Root, open_root
from tests.databases import MODULE_DATABASE, new_database, rename
from tests.orchestration.support import add_days, add_event
from tests.s3 import BUCKET, client, running_s3
from tests.support import environment
from tests.swift_server import ACCESS_KEY, SECRET_KEY

FIRST = date(2024, 3, 1)
BUILT = DayWindow(FIRST, date(2024, 3, 3))
TEMPLATE = "warehouse_template"


@pytest.fixture(scope="session")
def built_template(server: EmbeddedPostgres) -> str:
    """A database with two days of events and one without, all built by Dagster."""
    from orchestration.backfill import run_backfill
    from orchestration.instance import prepare_instance

    with new_database(server, MODULE_DATABASE) as url:
        prepare_instance()
        with connect(url, autocommit=True) as connection:
            add_days(connection, FIRST, 2)
            add_marketplace(connection, FIRST)
        assert run_backfill(BUILT).errors == []
        rename(server, MODULE_DATABASE, TEMPLATE)
    return TEMPLATE


@pytest.fixture(scope="module")
def built(server: EmbeddedPostgres, built_template: str) -> Iterator[psycopg.Connection]:
    """A connection to a copy of the built days; the settings point at it."""
    from orchestration.instance import prepare_instance

    with new_database(server, MODULE_DATABASE, built_template) as url:
        prepare_instance()
        with connect(url, autocommit=True) as connection:
            yield connection


def add_marketplace(connection: psycopg.Connection, day: date) -> None:
    """A user who comes by a campaign, searches, and licenses what a creator has uploaded."""
    user = {"actor_type": "user", "actor_id": "user-77aa", "visitor_id": "user-77aa"}
    noon = datetime(day.year, day.month, day.day, 13, tzinfo=UTC)
    steps = (
        ("page_viewed", {"landing_page": "https://m.example/?utm_source=n", "utm_source": "n"}),
        ("search_performed", {"props_json": Jsonb({"query": "my mother", "results": 3})}),
        (
            "license_created",
            {
                "license_id": "license-1",
                "brand_id": "brand-1",
                "project_id": "project-1",
                "props_json": Jsonb({"revenue_cents": 12345, "currency": "USD"}),
            },
        ),
    )
    creator = {"actor_type": "creator", "actor_id": "creator-5", "visitor_id": "creator-5"}
    add_event(connection, day, event_type="asset_uploaded", creator_id="creator-5", **creator)
    for number, (event_type, columns) in enumerate(steps):
        add_event(
            connection, day, event_type=event_type, session_id="s-1", anonymous_id="browser-1",
            **user, **{"occurred_at": noon + timedelta(minutes=number), **columns},
        )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's warehouse; the settings point at it."""
    place = tmp_path / "warehouse"
    with environment(EVENTMILL_WAREHOUSE_URL=str(place)):
        yield place


@pytest.fixture
def root(folder: Path) -> Root:
    return open_root()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_s3(tmp_path_factory.mktemp("s3") / "files") as url:
        client(url).create_bucket(Bucket=BUCKET)
        yield url


@pytest.fixture(params=["s3", "gs"])
def bucket(s3: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of the store; the settings lead to a bucket of it, as if it were Google's too."""
    with environment(
        EVENTMILL_WAREHOUSE_URL=f"{request.param}://{BUCKET}/{request.param}",
        EVENTMILL_WAREHOUSE_S3_ENDPOINT=s3,
        EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID=ACCESS_KEY,
        EVENTMILL_WAREHOUSE_S3_SECRET_ACCESS_KEY=SECRET_KEY,
    ):
        yield client(s3), request.param
