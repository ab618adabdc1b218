"""Tables that models read and Dagster does not build. They are named for the lineage only."""

import dagster as dg

from orchestration.project import manifest

# Sources that are assets of their own.
BUILT_OR_OBSERVED = {"events", "user_agents", "referrers"}
# Sources of other schemas are views of these tables.
OWNERS = {"raw": "platform", "enrichment": "data"}
# Who writes these is not who writes the others of their schema.
OWNERS_OF = {"ad_spend": "analytics", "platform_currency": "platform"}


@dg.definitions
def tables() -> dg.Definitions:
    """The sources of the dbt project, described as there."""
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                source["name"],
                description=f"{source['schema']}.{source['name']}: {source['description'].strip()}",
                group_name=source["schema"],
                owners=[f"team:{OWNERS_OF.get(source['name'], OWNERS[source['schema']])}"],
                kinds={"postgres", "table"},
            )
            for source in manifest()["sources"].values()
            if source["schema"] in OWNERS and source["name"] not in BUILT_OR_OBSERVED
        ]
    )
