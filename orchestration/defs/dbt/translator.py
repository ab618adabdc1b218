"""How a node of the dbt manifest appears in Dagster."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration.defs.raw.assets import RAW_EVENTS

# dbt's sources are the assets that Dagster itself observes or builds.
SOURCES = {
    "source.eventmill.raw.events": RAW_EVENTS,
    "source.eventmill.enrichment.user_agents": dg.AssetKey("user_agents"),
    "source.eventmill.enrichment.referrers": dg.AssetKey("referrers"),
}


class EventmillTranslator(DagsterDbtTranslator):
    """An asset is named as its model, grouped by its folder, and described as in its `.yml`."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return SOURCES[dbt_resource_props["unique_id"]]
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        is_seed = dbt_resource_props["resource_type"] == "seed"
        return "seeds" if is_seed else str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return ["team:analytics"]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["description"]).strip()
