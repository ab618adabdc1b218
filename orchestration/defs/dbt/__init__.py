"""The dbt project's models, seeds and tests, built by one dbt invocation a run."""

from orchestration.defs.dbt.assets import dbt_models

__all__ = ["dbt_models"]
