"""Dagster's side: observes raw, enriches, runs dbt, alerts."""

import warnings

# Backfill policies and multi-asset observation: in use by everybody, still labelled beta.
warnings.filterwarnings("ignore", message=".* is currently in beta")
