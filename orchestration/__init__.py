"""The Dagster project: observes raw events, enriches them, runs dbt, exports days, alerts."""

import warnings

# Backfill policies and multi-asset observation: in use by everybody, still labelled beta.
warnings.filterwarnings("ignore", message=".* is currently in beta")
