"""Checks that are Dagster's own: dbt's tests are checks of their models already."""

from orchestration.defs.checks.freshness import freshness, yesterday_is_built

__all__ = ["freshness", "yesterday_is_built"]
