"""Conventions of the project, read from dbt's own manifest."""

from pathlib import Path

import pytest
from dbt.contracts.graph.nodes import ModelNode

from tests.dbt_project.warehouse import Warehouse

# PostgreSQL keeps no constraints on a view.
VIEWS = {
    "metric_definitions", "visitor_sets", "touches", "conversion_credits", "campaign_daily",
    "daily_builds", "metric_changes",
}  # fmt: skip
# A key of thirteen columns would cost more than the table; grouping by them makes it.
WITHOUT_KEY = {"traffic_daily"}
# Numbers are only ever added to these.
APPENDED = {"visitors"}
# What grows with events: a test reads the built days of it.
LARGE = (
    "int_events", "int_entity_days", "attribution", "daily_metrics",
    "visitors", "visitor_sets", "sessions", "conversions", "conversion_touches", "touches",
    "conversion_credits", "campaign_daily",
    "int_conversion_credits", "int_campaign_visits", "int_traffic", "int_traffic_days",
    "int_platform_visitors", "int_platform_days", "int_project_days", "traffic_daily",
)  # fmt: skip


@pytest.fixture(scope="module")
def models(warehouse: Warehouse) -> list[ModelNode]:
    nodes = warehouse.manifest().nodes.values()
    return [node for node in nodes if isinstance(node, ModelNode)]


def test_every_model_says_its_grain_first(models: list[ModelNode]) -> None:
    assert len(models) >= 6
    assert not [m.name for m in models if not m.description.startswith("One row per ")]


def test_every_column_is_described_and_no_other(
    models: list[ModelNode], warehouse: Warehouse
) -> None:
    for model in models:
        found = warehouse.rows(
            "select column_name from information_schema.columns"
            " where table_schema = %s and table_name = %s order by ordinal_position",
            model.schema,
            model.name,
        )
        assert [row[0] for row in found] == list(model.columns), model.name
        assert not [c.name for c in model.columns.values() if not c.description], model.name


def test_every_model_and_seed_is_tested(models: list[ModelNode], warehouse: Warehouse) -> None:
    manifest = warehouse.manifest()
    tests = [n for n in manifest.nodes.values() if n.resource_type == "test"]
    tested = {parent for test in tests for parent in test.depends_on.nodes}
    tested |= {parent for unit in manifest.unit_tests.values() for parent in unit.depends_on.nodes}
    seeds = [n.unique_id for n in manifest.nodes.values() if n.resource_type == "seed"]
    assert not {*seeds, *(model.unique_id for model in models)} - tested


def test_marts_have_enforced_contracts(models: list[ModelNode]) -> None:
    marts = [model for model in models if model.schema == "marts"]
    assert {m.name for m in marts} >= {"attribution", "daily_metrics", "daily_builds"}
    for model in marts:
        assert model.contract.enforced, model.name
        assert all(column.data_type for column in model.columns.values()), model.name
        assert model.constraints or model.name in VIEWS | WITHOUT_KEY, model.name


def test_days_are_replaced_and_never_dropped(models: list[ModelNode]) -> None:
    for model in models:
        if model.config.materialized == "incremental":
            strategy = "microbatch"
            if model.name in APPENDED:
                strategy = "append"
            elif model.name.startswith("dim_"):
                strategy = "sync"
            assert model.config.incremental_strategy == strategy, model.name
            assert model.config.full_refresh is False, model.name
            assert model.config.unique_key is None, model.name


def test_a_yml_lies_beside_each_model(models: list[ModelNode], project: Path) -> None:
    for model in models:
        assert (project / model.original_file_path).with_suffix(".yml").exists(), model.name


def test_data_tests_look_at_built_days_only(warehouse: Warehouse) -> None:
    """A test that scans all days of a large table grows without end."""
    manifest = warehouse.manifest()
    large = {f"model.eventmill.{name}" for name in LARGE}
    for test in manifest.nodes.values():
        if test.resource_type == "test" and large & set(test.depends_on.nodes):
            where = test.config.where or ""
            assert where.startswith("built_window:") or "built_window(" in test.raw_code, test.name
