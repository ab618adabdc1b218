"""The warehouse export: built days become Parquet files, and are checked against their marts."""

from orchestration.defs.export.assets import warehouse_tables
from orchestration.defs.export.erasing import rewrite_erased, rewrite_erased_days
from orchestration.defs.export.jobs import export_days
from orchestration.defs.export.loading import load_exported_days, load_warehouse
from orchestration.defs.export.sensor import every_built_day_is_exported, export_built_days

__all__ = [
    "every_built_day_is_exported",
    "export_built_days",
    "export_days",
    "load_exported_days",
    "load_warehouse",
    "rewrite_erased",
    "rewrite_erased_days",
    "warehouse_tables",
]
