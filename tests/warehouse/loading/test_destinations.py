"""Each destination, up to where its network begins: type, credentials, and what is missing."""

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI, Request

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import child_environment
from eventmill.warehouse import Root
from eventmill.warehouse.loading import load
from eventmill.warehouse.loading.destinations import destination, prepare
from eventmill.warehouse.loading.errors import LoadFailed
from tests.support import environment, free_port, run_eventmill, serving

pytestmark = pytest.mark.usefixtures("processes")
SERVICE_ACCOUNT = (
    '{"type": "service_account", "project_id": "shop", "client_email": "l@shop.example",'
    ' "private_key": "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----\\n"}'
)
URLS = {
    "postgres": "postgresql://loader:s3cret@db.example:5433/lake",
    "redshift": "redshift://loader:s3cret@db.example:5433/lake",
    "snowflake": "snowflake://loader:s3cret@account/lake?warehouse=small&role=loading",
    "clickhouse": "clickhouse://loader:s3cret@db.example:9441/lake?secure=1",
}
DRIVERS = {
    "bigquery": "google.cloud.bigquery",
    "snowflake": "snowflake.connector",
    "databricks": "databricks.sql",
    "clickhouse": "clickhouse_driver",
}
DATABRICKS = {
    "DESTINATION__DATABRICKS__CREDENTIALS__SERVER_HOSTNAME": "dbc.example",
    "DESTINATION__DATABRICKS__CREDENTIALS__HTTP_PATH": "/sql/1.0/warehouses/abc",
    "DESTINATION__DATABRICKS__CREDENTIALS__CATALOG": "main",
    "DESTINATION__DATABRICKS__CREDENTIALS__ACCESS_TOKEN": "dapi0",
}


def configuration(name: str) -> Any:
    """What dlt would connect with."""
    prepare()
    factory = destination(name)
    assert factory.destination_name == name
    return factory.configuration(factory.spec()._bind_dataset_name(dataset_name="eventmill"))


@pytest.mark.parametrize("name", URLS)
def test_a_url_has_the_credentials(home: object, name: str) -> None:
    with environment(EVENTMILL_WAREHOUSE_CREDENTIALS=URLS[name]):
        found = configuration(name).credentials
    assert (found.username, found.password, found.database) == ("loader", "s3cret", "lake")
    if name == "snowflake":
        assert (found.host, found.warehouse, found.role) == ("account", "small", "loading")
    else:
        assert (found.host, found.port) == ("db.example", 9441 if name == "clickhouse" else 5433)


@pytest.mark.parametrize("as_file", [True, False])
def test_bigquery_takes_a_service_accounts_key(home: object, tmp_path: Any, as_file: bool) -> None:
    (tmp_path / "key.json").write_text(SERVICE_ACCOUNT)
    given = str(tmp_path / "key.json") if as_file else SERVICE_ACCOUNT
    with environment(EVENTMILL_WAREHOUSE_CREDENTIALS=given, DESTINATION__BIGQUERY__LOCATION="EU"):
        found = configuration("bigquery")
    assert (found.credentials.project_id, found.location) == ("shop", "EU")
    assert found.credentials.client_email == "l@shop.example"


def test_databricks_takes_dlts_variables(home: object) -> None:
    with environment(EVENTMILL_WAREHOUSE_CREDENTIALS=None, **DATABRICKS):
        found = configuration("databricks").credentials
    assert (found.server_hostname, found.catalog) == ("dbc.example", "main")
    assert (found.http_path, found.access_token) == ("/sql/1.0/warehouses/abc", "dapi0")
    with (
        environment(EVENTMILL_WAREHOUSE_CREDENTIALS="databricks://dbc.example"),
        pytest.raises(ConfigurationError, match="DATABRICKS__CREDENTIALS__SERVER_HOSTNAME"),
    ):
        destination("databricks")


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_that_is_missing_is_named_with_its_extra(
    connection: psycopg.Connection, root: Root, name: str
) -> None:
    assert not _is_there(DRIVERS[name]), "this test is for an installation without extras"
    credentials = {"bigquery": SERVICE_ACCOUNT, "databricks": None}.get(name, URLS.get(name))
    with (
        environment(
            EVENTMILL_WAREHOUSE_DESTINATION=name, EVENTMILL_WAREHOUSE_CREDENTIALS=credentials,
            **DATABRICKS,
        ),
        pytest.raises(ConfigurationError, match=rf"eventmill\[{name}\].*uv sync --extra {name}"),
    ):  # fmt: skip
        load(connection, root, None)


def test_what_is_not_set_is_said(connection: psycopg.Connection, root: Root) -> None:
    with (
        environment(EVENTMILL_WAREHOUSE_DESTINATION=None),
        pytest.raises(ConfigurationError, match="set EVENTMILL_WAREHOUSE_DESTINATION"),
    ):
        load(connection, root, None)
    for name in ("postgres", "redshift", "filesystem"):
        with (
            environment(EVENTMILL_WAREHOUSE_DESTINATION=name, EVENTMILL_WAREHOUSE_CREDENTIALS=None),
            pytest.raises(ConfigurationError, match="set EVENTMILL_WAREHOUSE_CREDENTIALS"),
        ):
            load(connection, root, None)
    result = run_eventmill("warehouse", "load", EVENTMILL_WAREHOUSE_DESTINATION="oracle")
    assert result.returncode == 1
    assert "EVENTMILL_WAREHOUSE_DESTINATION" in result.stderr


def test_a_server_that_is_away_is_said_without_the_password(
    connection: psycopg.Connection, root: Root
) -> None:
    nobody = f"postgresql://loader:s3cret@127.0.0.1:{free_port()}/lake"
    with (
        environment(
            EVENTMILL_WAREHOUSE_DESTINATION="postgres", EVENTMILL_WAREHOUSE_CREDENTIALS=nobody
        ),
        pytest.raises(LoadFailed, match=r"into postgres: .*refused") as raised,
    ):
        load(connection, root, None)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("allowed", [False, True])
def test_dlt_tells_nobody_of_a_load_unless_it_is_asked_to(
    built: psycopg.Connection, exported: Root, tmp_path: Any, allowed: bool
) -> None:
    told: list[bytes] = []
    app = FastAPI()

    @app.post("/told")
    async def hear(request: Request) -> None:
        told.append(await request.body())

    asked = {"RUNTIME__DLTHUB_TELEMETRY": "true"} if allowed else {}
    with serving(app) as url:
        result = run_eventmill(
            "warehouse", "load", "--json",
            EVENTMILL_WAREHOUSE_DESTINATION="duckdb",
            EVENTMILL_WAREHOUSE_CREDENTIALS=str(tmp_path / "loaded.duckdb"),
            RUNTIME__DLTHUB_TELEMETRY_ENDPOINT=f"{url}/told",
            HOME=str(tmp_path / "nobody"),
            **asked,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert bool(told) == allowed
    assert not (tmp_path / "nobody" / ".dlt").exists()


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def test_dlt_is_imported_by_loads_only() -> None:
    code = "import eventmill.runner.cli, eventmill.warehouse, sys; sys.exit('dlt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=child_environment(), check=False)
    assert done.returncode == 0
