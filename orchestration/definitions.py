"""The code location: what stands in defs/, found by folder. It loads, and does nothing else."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions. Raises ConfigurationError if dbt's manifest was never made."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
