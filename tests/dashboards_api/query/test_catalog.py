"""The catalog that is read from dbt's manifest, and which roll-up answers what."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from dashboards_api.authorization import Visible
from dashboards_api.query.catalog import Catalog
from dashboards_api.query.manifest import Manifest, MistakeInMetadata, read_catalog
from dashboards_api.query.reading import read_question
from dashboards_api.query.schemas import QueryRequest
from dashboards_api.query.sources import Plan, Sources
from eventmill.core.days import utc_today
from eventmill.core.errors import Unavailable
from eventmill.core.settings import get_settings

Send = Callable[..., Response]
ADMIN = Visible(everything=True, assets=[], projects=[])
CREATOR = Visible(everything=False, assets=["a", "b"], projects=[])
BRAND = Visible(everything=False, assets=["a"], projects=["p"])


@pytest.fixture(scope="module")
def manifest(views_database: str) -> dict[str, Any]:
    path = get_settings().manifest_dir / "manifest.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def catalog(manifest: dict[str, Any]) -> Catalog:
    return read_catalog(manifest)


def test_the_schema_describes_what_there_is(send: Send) -> None:
    schema = send("GET", "/v1/query/schema").json()
    datasets = {dataset["name"]: dataset for dataset in schema["datasets"]}
    names = {
        name: ({m["name"] for m in data["metrics"]}, {d["name"] for d in data["dimensions"]})
        for name, data in datasets.items()
    }
    times = {"date", "week", "month"}
    assert names == {
        "traffic": (
            {"views", "clicks", "conversions", "revenue_cents", "unique_visitors"}
            | {"engagement_time", "events"},
            times
            | {"asset", "project", "campaign", "source", "medium", "channel", "country"}
            | {"device", "browser", "os", "actor_type"},
        ),
        "attribution": (
            {"credited_conversions", "credited_revenue_cents"},
            times | {"asset", "project", "campaign", "source", "medium", "channel"}
            | {"creator", "brand", "reached_by"},
        ),
    }  # fmt: skip
    for dataset in datasets.values():
        for described in (*dataset["metrics"], *dataset["dimensions"]):
            assert described["description"], described
    [asset] = [d for d in datasets["traffic"]["dimensions"] if d["name"] == "asset"]
    assert asset["aliases"] == ["asset_id", "ip_asset_id"]
    assert schema["attribution_models"] == {
        "names": [
            "first_touch", "last_touch", "last_non_direct", "linear", "position_based",
            "time_decay",
        ],
        "default": "last_non_direct",
    }  # fmt: skip


def test_the_grains_of_the_meta_are_those_that_are_built(manifest: dict[str, Any]) -> None:
    nodes = manifest["nodes"]
    rollups = nodes["model.eventmill.int_traffic_days"]
    grains = rollups["config"]["meta"]["grains"]
    macro = manifest["macros"]["macro.eventmill.traffic_rollups"]["macro_sql"]
    built = macro[macro.index("{{ return(") + len("{{ return(") : macro.index(") }}")]
    assert grains == json.loads(built.replace("'", '"').replace(",\n})", "\n}").replace(
        "],\n}", "]\n}"
    ))  # fmt: skip


def sources(catalog: Catalog, visible: Visible = ADMIN, **body: Any) -> Sources:
    request = QueryRequest.model_validate({"metrics": ["views"], **body})
    question = read_question(catalog, request, utc_today())
    return Plan(question, visible, live=[], has_built=True).sources(question.parts[0])


@pytest.mark.parametrize(
    ("visible", "body", "relation", "columns"),
    [
        (ADMIN, {}, "int_entity_days", set()),
        (ADMIN, {"dimensions": ["week"]}, "int_entity_days", set()),
        (ADMIN, {"metrics": ["events"]}, "int_traffic_days", {"channel"}),
        (ADMIN, {"dimensions": ["channel"]}, "int_traffic_days", {"channel"}),
        (ADMIN, {"dimensions": ["medium"]}, "int_traffic_days",
         {"channel", "source", "medium", "campaign"}),
        (ADMIN, {"filters": {"country": "DE"}}, "int_traffic_days", {"country"}),
        (ADMIN, {"dimensions": ["asset"]}, "int_entity_days", {"ip_asset_id"}),
        (ADMIN, {"dimensions": ["channel"], "filters": {"asset": "a"}}, "int_traffic_days",
         {"ip_asset_id", "channel"}),
        (ADMIN, {"dimensions": ["country", "channel"]}, None, None),
        (CREATOR, {}, "int_entity_days", {"ip_asset_id"}),
        (CREATOR, {"dimensions": ["channel"]}, "int_traffic_days", {"ip_asset_id", "channel"}),
        (CREATOR, {"dimensions": ["country"]}, None, None),
        (CREATOR, {"dimensions": ["project"]}, "int_entity_days", {"ip_asset_id", "project_id"}),
        (BRAND, {}, None, None),
        (BRAND, {"filters": {"asset": "a"}}, "int_entity_days", {"ip_asset_id"}),
        (BRAND, {"filters": {"asset": "b"}}, None, None),
        (BRAND, {"filters": {"project": "p"}, "dimensions": ["date"]}, "int_entity_days",
         {"project_id"}),
    ],
)  # fmt: skip
def test_the_smallest_roll_up_answers(
    catalog: Catalog,
    visible: Visible,
    body: dict[str, Any],
    relation: str | None,
    columns: set[str] | None,
) -> None:
    rollup = sources(catalog, visible, **body).rollup
    found = (rollup.relation.name, rollup.columns) if rollup else (None, None)
    assert found == (relation, columns)


def test_what_a_roll_up_lacks_is_read_from_the_table(catalog: Catalog) -> None:
    kinds = [source.kind for source in sources(catalog, dimensions=["asset"]).built]
    assert kinds == ["rollup", "rows"]
    given = sources(catalog, dimensions=["asset"], filters={"asset": ["a", "b"]})
    assert [source.kind for source in given.built] == ["rollup"]
    given = sources(catalog, CREATOR, dimensions=["asset"])
    assert [source.kind for source in given.built] == ["rollup"]


def test_the_manifest_is_read_again_when_it_changes(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    reader = Manifest(path)
    with pytest.raises(Unavailable, match="no description of the metrics"):
        reader.catalog()
    path.write_text(json.dumps(manifest))
    first = reader.catalog()
    assert reader.catalog() is first
    path.write_text("{")  # dbt is half-way through writing it
    assert reader.catalog() is first
    changed = json.loads(json.dumps(manifest))
    del changed["metrics"]["metric.eventmill.views"]
    path.write_text(json.dumps(changed))
    os.utime(path, (0, 0))
    assert "views" not in reader.catalog().metrics
    path.unlink()
    with pytest.raises(Unavailable):
        reader.catalog()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"time": "day"}, "time is 'day'"),
        ({"live": "nothing"}, "live is 'nothing'"),
        ({"dataset": "attribution"}, "two models are the dataset"),
    ],
)
def test_a_mistake_in_the_metadata_is_named(
    manifest: dict[str, Any], change: dict[str, str], says: str, tmp_path: Path
) -> None:
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.eventmill.traffic_daily"]
    for meta in (node["config"]["meta"], node.get("meta", {})):
        if "query" in meta:
            meta["query"].update(change)
    with pytest.raises(MistakeInMetadata, match=says):
        read_catalog(changed)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(changed))
    with pytest.raises(Unavailable, match="is wrong"):
        Manifest(path).catalog()


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("visitors", {"expr": "lower(browser)"}, "count_distinct counts visitor_id or"),
        ("visitors", {"expr": "case when clicks > 0 then props_json end"}, "not 'case when"),
        ("views", {"expr": "2"}, "'views': there is a column of that name"),
    ],
)
def test_a_mistake_in_a_measure_is_named(
    manifest: dict[str, Any], name: str, change: dict[str, str], says: str
) -> None:
    changed = json.loads(json.dumps(manifest))
    measures = changed["semantic_models"]["semantic_model.eventmill.traffic"]["measures"]
    next(one for one in measures if one["name"] == name).update(change)
    with pytest.raises(MistakeInMetadata, match=says):
        read_catalog(changed)
