"""How a node of the dbt manifest appears in Dagster."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from eventmill.core.rebuilds import SESSION_READS
from orchestration.keys import RAW_EVENTS

# A source is an asset named as its table, which Dagster observes, builds or only knows of. This one
# has another: `events` alone would not say which.
EVENTS = "source.eventmill.raw.events"
# Models that read events of other days than their own: the first and the last one.
READS = {"sessions": SESSION_READS}
# The sources `rules` are views of this table.
LIFECYCLE_EVENTS = dg.AssetKey("lifecycle_events")


class EventmillTranslator(DagsterDbtTranslator):
    """An asset is named as its model, grouped by its folder, and described as in its `.yml`."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["unique_id"] == EVENTS:
            return RAW_EVENTS
        if dbt_resource_props.get("source_name") == "rules":
            return LIFECYCLE_EVENTS
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        is_seed = dbt_resource_props["resource_type"] == "seed"
        return "seeds" if is_seed else str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return ["team:analytics"]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["description"]).strip()

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        days = READS.get(spec.key.to_user_string())
        if days is None:
            return spec
        # Of raw events, and not of the model between: a backfill cannot build two assets in one run
        # when one reads other days of the other than its own. The last day may not be over yet.
        mapping = dg.TimeWindowPartitionMapping(
            start_offset=days[0], end_offset=days[1], allow_nonexistent_upstream_partitions=True
        )
        raw = dg.AssetDep(RAW_EVENTS, partition_mapping=mapping)
        return spec.replace_attributes(deps=[*spec.deps, raw])
