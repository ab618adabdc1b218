"""What events refer to: tables without days, as they are now."""

from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
import yaml
from psycopg.types.json import Jsonb

from eventmill.core.settings import PROJECT_ROOT
from eventmill.warehouse import open_root
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.references import CURRENT, Reference, export_references, references
from orchestration.laptop import SOURCES
from tests.s3 import BUCKET, client, running_s3
from tests.support import environment
from tests.swift_server import ACCESS_KEY, SECRET_KEY
from tests.warehouse.conftest import FIRST

KEY = Pseudonyms(b"k" * 32)


@pytest.fixture
def filled(connection: psycopg.Connection) -> psycopg.Connection:
    """A row or two in each of the tables; more than one batch of user agents."""
    connection.execute("select raw.ensure_partition(%s)", (FIRST,))
    connection.execute(
        "insert into raw.events"
        " (event_id, occurred_at, event_type, actor_type, actor_id, visitor_id, ip_asset_id,"
        " props_json) values"
        " (gen_random_uuid(), %s, 'asset_uploaded', 'creator', 'creator-5', 'creator-5', 'a', %s)",
        (FIRST, Jsonb({"title": "Ü"})),
    )
    connection.execute(
        "insert into raw.events"
        " (event_id, occurred_at, event_type, visitor_id, project_id, license_id, ip_asset_id,"
        " brand_id) values"
        " (gen_random_uuid(), %(day)s, 'project_created', 'x', 'p', null, null, 'b'),"
        " (gen_random_uuid(), %(day)s, 'license_created', 'x', 'p', 'l', 'a', 'b')",
        {"day": FIRST},
    )
    connection.execute("insert into raw.identities values ('browser-1', 'creator-5', true, now())")
    connection.execute(
        "insert into raw.ad_spend (date, source, currency, cost_cents)"
        " values (%s, 'google', 'USD', 9223372036854775807)",
        (FIRST,),
    )
    connection.execute(
        "insert into enrichment.user_agents (user_agent, device_type, is_bot, parser_version)"
        " select 'agent ' || i, 'other', i %% 2 = 0, '1' from generate_series(1, 45000) as i",
        (),
    )
    connection.execute(
        "insert into enrichment.referrers (referrer_domain, source, list_version)"
        " values ('example.org', 'example', '1')"
    )
    connection.execute("insert into enrichment.platform_currency (currency) values ('USD')")
    connection.execute(
        "insert into enrichment.replaced_metrics values"
        " (%s, null, 'a', null, 1, 2, 3, 4, 5, 6, 7, 8, false, 'd', gen_random_uuid())",
        (FIRST,),
    )
    connection.execute("set timezone = 'UTC'")
    return connection


def read(root: Path, reference: Reference) -> list[tuple[Any, ...]]:
    rows = pq.read_table(root / reference.name / CURRENT).to_pylist()
    return sorted((tuple(row[name] for name in reference.columns) for row in rows), key=repr)


def stored(connection: psycopg.Connection, reference: Reference) -> list[tuple[Any, ...]]:
    columns = ", ".join(
        f"{name}::text" if kind in ("uuid", "jsonb") else name
        for name, kind in reference.columns.items()
    )
    rows = connection.execute(f"select {columns} from {reference.source}".encode()).fetchall()
    return sorted(rows, key=repr)


@pytest.mark.parametrize("reference", references(), ids=[r.name for r in references()])
def test_a_table_is_what_it_is_in_the_database(
    filled: psycopg.Connection, tmp_path: Path, reference: Reference
) -> None:
    filled.execute("insert into raw.tracking_plan (event_type, event_group, description,"
        " is_anonymous, roles, aliases, props_schema, plan_hash)"
        " values ('x', 'y', 'z', true, '{}', '{}', '{}', 'h') on conflict do nothing")  # fmt: skip
    rows = export_references(filled, open_root(str(tmp_path)), None)
    assert read(tmp_path, reference) == stored(filled, reference) != []
    assert rows[reference.name] == len(stored(filled, reference))


def test_ids_of_people_have_the_pseudonyms_that_events_have(
    filled: psycopg.Connection, tmp_path: Path
) -> None:
    export_references(filled, open_root(str(tmp_path)), KEY)
    named = {reference.name: reference for reference in references()}
    for name in ("lifecycle_events", "assets", "creators"):
        values = [value for row in read(tmp_path, named[name]) for value in row]
        assert KEY.of("creator-5") in values
        assert "creator-5" not in values
    [(device, user, verified, _)] = read(tmp_path, named["identities"])
    assert (device, user, verified) == (KEY.of("browser-1"), KEY.of("creator-5"), True)


def test_an_export_takes_the_place_of_the_former_one(
    filled: psycopg.Connection, tmp_path: Path
) -> None:
    root = open_root(str(tmp_path))
    export_references(filled, root, None)
    filled.execute("delete from raw.identities")
    export_references(filled, root, None)
    assert read(tmp_path, next(r for r in references() if r.name == "identities")) == []
    assert [file.name for file in (tmp_path / "identities").iterdir()] == [CURRENT]


def test_a_bucket_holds_them_too(filled: psycopg.Connection, tmp_path: Path) -> None:
    with (
        running_s3(tmp_path / "s3") as url,
        environment(
            EVENTMILL_WAREHOUSE_S3_ENDPOINT=url,
            EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID=ACCESS_KEY,
            EVENTMILL_WAREHOUSE_S3_SECRET_ACCESS_KEY=SECRET_KEY,
        ),
    ):
        bucket = client(url)
        bucket.create_bucket(Bucket=BUCKET)
        export_references(filled, open_root(f"s3://{BUCKET}/warehouse"), None)
        for reference in references():
            key = f"warehouse/{reference.name}/{CURRENT}"
            file = tmp_path / reference.name / CURRENT
            file.parent.mkdir()
            bucket.download_file(BUCKET, key, str(file))
            assert read(tmp_path, reference) == stored(filled, reference)


def test_models_read_nothing_that_is_not_there() -> None:
    file = PROJECT_ROOT / "dbt_project" / "models" / "staging" / "_raw__sources.yml"
    declared = yaml.safe_load(file.read_text())["sources"]
    read_by_models = {f"{s['schema']}.{table['name']}" for s in declared for table in s["tables"]}
    assert read_by_models == SOURCES.keys()
